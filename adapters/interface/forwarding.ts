// Turns on forwarding of packets between interfaces, through /proc/sys. Only ever on, never off: others may rely on it.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AddressFamily } from '../../core/address.ts';
import type { Log } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';

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

/** Makes sure of forwarding for these families. What is right already is not written, so read-only settings are fine. */
export async function ensureForwarding(
  families: readonly AddressFamily[],
  sysctlFolder: string,
  log: Log,
): Promise<Result<void, ForwardingFailure>> {
  if (families.includes('IPv4')) {
    const ipv4 = await ensureSetting(sysctlFolder, 'net/ipv4/ip_forward', '1', log);
    if (!ipv4.ok) return ipv4;
  }
  return families.includes('IPv6') ? ensureIPv6(sysctlFolder, log) : ok(undefined);
}

/** The settings that decide about forwarding, as text; null: not there, or not to be read. Changes nothing. */
export async function readForwarding(sysctlFolder: string): Promise<{
  readonly ipv4: string | null;
  readonly ipv6: string | null;
  readonly ipv6Disabled: string | null;
}> {
  return {
    ipv4: await readSetting(sysctlFolder, 'net/ipv4/ip_forward'),
    ipv6: await readSetting(sysctlFolder, 'net/ipv6/conf/all/forwarding'),
    ipv6Disabled: await readSetting(sysctlFolder, 'net/ipv6/conf/all/disable_ipv6'),
  };
}

async function ensureIPv6(sysctlFolder: string, log: Log): Promise<Result<void, ForwardingFailure>> {
  const conf = 'net/ipv6/conf';
  const disabled = await readSetting(sysctlFolder, `${conf}/all/disable_ipv6`);
  if (disabled !== '0') {
    const why = disabled === null ? 'this host has no IPv6' : 'net.ipv6.conf.all.disable_ipv6 is not 0';
    const message = `wireguard.subnet6 is set, but ${why}: turn IPv6 on (a container needs a network with IPv6), or take subnet6 out of the configuration`;
    return fail({ code: 'ipv6_off', message });
  }
  if ((await readSetting(sysctlFolder, `${conf}/all/forwarding`)) === '1') return ok(undefined);
  // A host that forwards ignores router advertisements, and with them its default route, unless accept_ra is 2
  // (ip-sysctl: "accept_ra"). So this comes first.
  for (const name of await listInterfaces(join(sysctlFolder, conf))) {
    if ((await readSetting(sysctlFolder, `${conf}/${name}/accept_ra`)) !== '1') continue;
    const accepted = await ensureSetting(sysctlFolder, `${conf}/${name}/accept_ra`, '2', log);
    if (!accepted.ok) return accepted;
  }
  return ensureSetting(sysctlFolder, `${conf}/all/forwarding`, '1', log);
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
    const code = (error as NodeJS.ErrnoException).code;
    const name = path.replaceAll('/', '.');
    const message = `${name} is ${before ?? 'missing'} and can't be set (${code}): packets would not be forwarded. Set it outside, "sysctl -w ${name}=${value}" on a host or "sysctls:" for a container`;
    return fail({ code: 'forwarding_off', message });
  }
  log.info({ setting: path.replaceAll('/', '.'), before, now: value }, 'kernel setting changed');
  return ok(undefined);
}

// `all` and `default` stand for no interface of their own.
async function listInterfaces(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name !== 'all' && name !== 'default' && name !== 'lo');
}

async function readSetting(folder: string, path: string): Promise<string | null> {
  try {
    return (await readFile(join(folder, path), 'utf8')).trim();
  } catch {
    return null;
  }
}
