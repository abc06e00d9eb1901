// Turns on forwarding of packets between interfaces, through /proc/sys. Only ever on, never off: others may rely on it.
import { constants } from 'node:fs';
import { access, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../core/config/config.ts';
import type { Log } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { formatSysctl } from '../../core/sysctl-name.ts';
import { systemErrorCode } from '../disk/file-system.ts';

/**
 * Why packets would not be forwarded. Settings made before the failure stay.
 * - `ipv6_off`: the host has no IPv6, or it is turned off.
 * - `forwarding_off`: a setting has the wrong value and can't be written.
 */
export interface ForwardingFailure {
  readonly code: 'ipv6_off' | 'forwarding_off';
  /** For the operator. */
  readonly message: string;
}

/**
 * Makes sure of forwarding for the families in use, and that it does not keep the host from its IPv6 route. What is right
 * already is not written, so read-only settings are fine.
 */
export async function ensureForwarding(
  { interface: name, subnets }: Pick<Config['wireguard'], 'interface' | 'subnets'>,
  sysctlFolder: string,
  log: Log,
): Promise<Result<void, ForwardingFailure>> {
  const families = subnets.map(({ cidr }) => cidr.family);
  if (families.includes('IPv4')) {
    const ipv4 = await ensureSetting(sysctlFolder, ipv4Forwarding, '1', log);
    if (!ipv4.ok) return ipv4;
  }
  return families.includes('IPv6') ? ensureIPv6(name, sysctlFolder, log) : ok(undefined);
}

/** What decides about forwarding; settings as text, null: not there, or not to be read. Changes nothing. */
export async function readForwarding(
  own: string,
  sysctlFolder: string,
): Promise<{
  readonly ipv4: string | null;
  readonly ipv6: string | null;
  readonly ipv6Disabled: string | null;
  /** The interfaces whose router advertisements are ignored once the host forwards. */
  readonly deaf: readonly string[];
}> {
  return {
    ipv4: await readSetting(sysctlFolder, ipv4Forwarding),
    ipv6: await readSetting(sysctlFolder, ipv6Forwarding),
    ipv6Disabled: await readSetting(sysctlFolder, `${ipv6Conf}/all/disable_ipv6`),
    deaf: await listDeaf(own, sysctlFolder),
  };
}

const ipv4Forwarding = 'net/ipv4/ip_forward';
const ipv6Conf = 'net/ipv6/conf';
const ipv6Forwarding = `${ipv6Conf}/all/forwarding`;

async function ensureIPv6(
  own: string,
  sysctlFolder: string,
  log: Log,
): Promise<Result<void, ForwardingFailure>> {
  const disabled = await readSetting(sysctlFolder, `${ipv6Conf}/all/disable_ipv6`);
  if (disabled !== '0') {
    const why = disabled === null ? 'this host has no IPv6' : 'net.ipv6.conf.all.disable_ipv6 is not 0';
    const message = `wireguard.subnet6 is set, but ${why}: turn IPv6 on (a container needs a network with IPv6), or take subnet6 out of the configuration`;
    return fail({ code: 'ipv6_off', message });
  }
  const forwarding = await readSetting(sysctlFolder, ipv6Forwarding);
  if (forwarding !== '1') {
    const refusal = await refusalToWrite(join(sysctlFolder, ipv6Forwarding));
    if (refusal !== null) return fail(notSet(ipv6Forwarding, forwarding, '1', refusal));
  }
  // Before forwarding, which would take the route away.
  const accepted = await acceptRouters(own, sysctlFolder, log);
  if (!accepted.ok) {
    if (forwarding !== '1') return accepted;
    log.warn(
      {},
      `${accepted.failure.message}. Where the IPv6 route is not from router advertisements, nothing is lost`,
    );
  }
  return ensureSetting(sysctlFolder, ipv6Forwarding, '1', log);
}

async function acceptRouters(
  own: string,
  sysctlFolder: string,
  log: Log,
): Promise<Result<void, ForwardingFailure>> {
  for (const name of await listDeaf(own, sysctlFolder)) {
    const path = `${ipv6Conf}/${name}/accept_ra`;
    const accepted = await ensureSetting(sysctlFolder, path, '2', log);
    if (!accepted.ok) return accepted;
  }
  return ok(undefined);
}

/**
 * A host that forwards ignores router advertisements, and with them its default route, where accept_ra is 1 (ip-sysctl:
 * "accept_ra"). From its peers the node wants none.
 */
async function listDeaf(own: string, sysctlFolder: string): Promise<readonly string[]> {
  const names = await readdir(join(sysctlFolder, ipv6Conf)).catch(() => []);
  const deaf: string[] = [];
  for (const name of names) {
    // `all` and `default` stand for no interface of their own.
    if (['all', 'default', 'lo', own].includes(name)) continue;
    if ((await readSetting(sysctlFolder, `${ipv6Conf}/${name}/accept_ra`)) === '1') deaf.push(name);
  }
  return deaf;
}

async function ensureSetting(
  folder: string,
  path: string,
  value: string,
  log: Log,
): Promise<Result<void, ForwardingFailure>> {
  const before = await readSetting(folder, path);
  if (before === value) return ok(undefined);
  try {
    await writeFile(join(folder, path), value);
  } catch (error) {
    return fail(notSet(path, before, value, systemErrorCode(error)));
  }
  log.info({ setting: formatSysctl(path), before, now: value }, 'kernel setting changed');
  return ok(undefined);
}

/** Why a setting can't be written, as the system names it; null: it can. */
async function refusalToWrite(path: string): Promise<string | null> {
  return access(path, constants.W_OK).then(() => null, systemErrorCode);
}

function notSet(path: string, before: string | null, value: string, why: string): ForwardingFailure {
  const name = formatSysctl(path);
  const what = path.endsWith('accept_ra')
    ? 'router advertisements are ignored there'
    : 'packets would not be forwarded';
  const message = `${name} is ${before ?? 'missing'} and can't be set (${why}): ${what}. Set it outside: "sysctl -w ${name}=${value}" on the host, which in Kubernetes is each of its nodes, and "sysctls:" of the service in compose`;
  return { code: 'forwarding_off', message };
}

async function readSetting(folder: string, path: string): Promise<string | null> {
  try {
    return (await readFile(join(folder, path), 'utf8')).trim();
  } catch {
    return null;
  }
}
