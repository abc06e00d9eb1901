// What keeps a server from starting and can be told before anything is touched: its certificate and its ports. Keeps neither.
import type { Config } from '../core/config/config.ts';
import { findListenFailure } from '../core/http/listen-failure.ts';
import { checkTlsPair, describeTlsFailure } from '../core/http/tls.ts';
import { readTlsFiles } from './tls-files.ts';

/** Finds all of them, a line each; none: as far as can be seen it can start. `nowMs`: milliseconds since the Unix epoch. */
export async function findStartProblems(
  { server: { host, port, tls }, metrics }: Pick<Config, 'server' | 'metrics'>,
  nowMs: number,
): Promise<readonly string[]> {
  const ports = metrics === null ? [port] : [port, metrics.port];
  const failures = await Promise.all(ports.map((each) => findListenFailure(host, each)));
  return [
    ...findTlsProblems(tls, nowMs),
    ...failures.flatMap((failure) => (failure === null ? [] : [failure.detail])),
  ];
}

/** What keeps a server from serving with these files, a line each; null: no TLS is asked for. `nowMs` as above. */
export function findTlsProblems(files: Config['server']['tls'], nowMs: number): readonly string[] {
  if (files === null) return [];
  const pair = readTlsFiles(files);
  if (!pair.ok) return pair.failure;
  const checked = checkTlsPair(pair.value, nowMs);
  return checked.ok ? [] : [describeTlsFailure(checked.failure, files)];
}
