// A version of the project in a folder of its own, built, with its own dependencies.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Worktree {
  readonly folder: string;
  /** Its micro-benchmarks; null: that version has none. */
  readonly micro: string | null;
  remove(): void;
}

/** Checks out what git calls `ref`. Throws with git's own words when there is no such thing. */
export function createWorktree(ref: string): Worktree {
  const folder = mkdtempSync(join(tmpdir(), 'bench-worktree-'));
  run('git', ['worktree', 'add', '--detach', '--force', folder, ref], process.cwd());
  const same = read(join(folder, 'package-lock.json')) === read('package-lock.json');
  // What is installed here is what that version wants; else it gets its own.
  if (same) symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  else run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder);
  const hasBenchmarks = existsSync(join(folder, 'bench/micro.ts'));
  if (hasBenchmarks) run('npx', ['tsc'], folder);
  return {
    folder,
    micro: hasBenchmarks ? join(folder, 'dist/bench/micro.js') : null,
    remove() {
      spawnSync('git', ['worktree', 'remove', '--force', folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function run(command: string, words: readonly string[], folder: string): void {
  const done = spawnSync(command, words, { cwd: folder, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${command} ${words.join(' ')}: ${done.stdout}${done.stderr}`);
}

function read(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
