// How a change that was not made is answered.

import type { ChangeFailure } from '../core/batch.ts';
import type { Failure } from '../core/http/contract.ts';
import { faultRetryMs } from '../core/limits.ts';
import type { ApiCode } from './failures.ts';

/** How any change may fail, whatever it is. */
export const changeCodes = [
  'wireguard_error',
  'store_error',
  'store_unavailable',
  'device_unavailable',
  'overloaded',
] as const satisfies readonly ChangeFailure[];

const retryLater: ReadonlySet<ChangeFailure> = new Set<ChangeFailure>([
  'store_unavailable',
  'device_unavailable',
  'overloaded',
  'shutting_down',
]);

/** The failure with `Retry-After` where trying again is the thing to do. */
export function changeFailure(code: ChangeFailure): Failure<ApiCode> {
  return retryLater.has(code) ? { code, retryAfterSeconds: Math.ceil(faultRetryMs / 1000) } : { code };
}
