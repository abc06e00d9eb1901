// All that the checks of this host found, as the terminal and as programs read it. Makes no check.

import { formatTimestamp } from '../timestamp.ts';
import { service } from '../version.ts';
import { gravest, type Verdict } from './verdict.ts';

/** One check and what it found. */
export interface Finding extends Verdict {
  /** In snake_case; stays the same from version to version. */
  readonly check: string;
}

/** One look at the whole host. */
export interface Diagnosis {
  /** Milliseconds since the Unix epoch. */
  readonly checkedAtMs: number;
  /** In the order of the table of checks. */
  readonly findings: readonly Finding[];
}

/** Whether anything keeps the node from working. Warnings don't. */
export function hasFailed(diagnosis: Diagnosis): boolean {
  return gravest(diagnosis.findings) === 'fail';
}

/** A line a check: `fail  wan_interface: eth9 does not exist → …`. */
export function renderDiagnosis({ findings }: Diagnosis): string {
  return findings
    .map(({ check, status, seen, advice }) => {
      const todo = advice === null ? '' : ` → ${advice}`;
      return `${oneLine(`${status.padEnd(4)}  ${check}: ${seen}${todo}`)}\n`;
    })
    .join('');
}

/**
 * `{"status", "checkedAt", "service", "checks": [{"check", "status", "seen", "advice"}]}`: one JSON document, where
 * `advice` is there when there is something to do.
 */
export function formatDiagnosis({ checkedAtMs, findings }: Diagnosis): string {
  return JSON.stringify({
    status: gravest(findings),
    checkedAt: formatTimestamp(checkedAtMs),
    service: { name: service.name, version: service.version },
    checks: findings.map(({ check, status, seen, advice }) => ({
      check,
      status,
      seen,
      ...(advice !== null && { advice }),
    })),
  });
}

// Programs are quoted, and what they say may have several lines and colours.
function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, ' ').replace(/^(\S+) /, (_, status: string) => status.padEnd(6));
}
