// Makes the checks of this host, all at once and each within its time, and gathers what they find.
import type { Config } from '../../core/config/config.ts';
import type { Diagnosis, Finding } from '../../core/doctor/diagnosis.ts';
import { bad, type Verdict } from '../../core/doctor/verdict.ts';
import { checkTimeoutMs } from '../../core/limits.ts';
import type { Clock } from '../../core/ports.ts';
import { describeSystemError } from '../disk/file-system.ts';
import { type Check, checks } from './checks.ts';
import type { DoctorHost } from './host.ts';
import { createSight, type Sight } from './sight.ts';

/** Looks at this host once. Changes nothing; never rejects; done within `checkTimeoutMs`, whatever hangs. */
export async function diagnose(
  host: DoctorHost,
  clock: Clock,
  table: readonly Check[] = checks,
): Promise<Diagnosis> {
  const config = host.config.ok ? host.config.value.config : null;
  const sight = config === null ? null : createSight(host, config);
  const made = table.flatMap((check) => {
    const work = begin(check, host, config, sight);
    return work === null ? [] : [finish(check, work, clock)];
  });
  return { checkedAtMs: clock.nowMs(), findings: await Promise.all(made) };
}

/** Null: the check does not apply. */
function begin(
  check: Check,
  host: DoctorHost,
  config: Config | null,
  sight: Sight | null,
): Promise<Verdict> | null {
  const isInMemory = config?.wireguard.backend === 'memory';
  if (isInMemory && (check.needs === 'device' || check.needs === 'interface')) return null;
  if (check.needs === 'host' || check.needs === 'device') return Promise.resolve(check.make(host, config));
  return sight === null ? null : check.make(sight);
}

async function finish(check: Check, work: Promise<Verdict>, clock: Clock): Promise<Finding> {
  const verdict = await Promise.race([work.catch(failure), timeout(clock)]);
  return { check: check.name, ...verdict };
}

/** A disk or a kernel that says no where none is expected to. Anything else is a bug, and thrown on. */
function failure(error: unknown): Verdict {
  return bad(`the check could not be made: ${describeSystemError(error)}`);
}

function timeout(clock: Clock): Promise<Verdict> {
  return new Promise((resolve) => {
    clock.after(checkTimeoutMs, () =>
      resolve(
        bad(
          `no answer within ${checkTimeoutMs / 1_000} s`,
          'something of this host hangs: a disk, or the device',
        ),
      ),
    );
  });
}
