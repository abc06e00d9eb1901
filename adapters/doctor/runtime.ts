// Looks at what the program runs on: Node.js, C library, rights, the clock's keeper.
import { existsSync, readFileSync } from 'node:fs';
import type { ClockFacts, PrivilegeFacts, RuntimeFacts } from '../../core/doctor/runtime.ts';
import { nativeLoads, nativeModuleNeeds } from '../../core/http/server.ts';
import type { DoctorHost } from './host.ts';

/** Loads the HTTP module, which this process does not need. */
export async function lookAtRuntime(): Promise<RuntimeFacts> {
  return {
    nodeVersion: process.versions.node,
    glibcVersion: readGlibcVersion(),
    architecture: process.arch,
    nativeLoads: await nativeLoads(),
    nativeNeeds: nativeModuleNeeds,
  };
}

// Node.js names the C library that it runs with in its own report, and nowhere else.
function readGlibcVersion(): string | null {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: unknown } };
  const version = report.header?.glibcVersionRuntime;
  return typeof version === 'string' ? version : null;
}

/** Asks for the rights of this process. */
export function lookAtPrivileges({ isRoot }: DoctorHost): PrivilegeFacts {
  return { isRoot, mayAdministerNetwork: hasCapability(capNetAdmin) };
}

// linux/capability.h
const capNetAdmin = 12n;

/** Whether this process has a capability now (`CapEff` of proc(5)); null: that can't be told. */
function hasCapability(bit: bigint): boolean | null {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(readText('/proc/self/status') ?? '')?.[1];
  return mask === undefined ? null : ((BigInt(`0x${mask}`) >> bit) & 1n) === 1n;
}

/** Reads the clock, and whether systemd-timesyncd has set it. */
export function lookAtClock({ nowMs }: DoctorHost): ClockFacts {
  // systemd-timesyncd touches the file when it has set the clock (systemd-timesyncd.service(8)).
  const folder = '/run/systemd/timesync';
  return { nowMs: nowMs(), synchronized: existsSync(folder) ? existsSync(`${folder}/synchronized`) : null };
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
