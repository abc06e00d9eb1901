// A version of the project in a folder of its own, built, with its own dependencies.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { makeScratch, removeScratch } from './scratch.ts';

export interface Worktree {
  readonly folder: string;
  /** Its micro-benchmarks; null: that version has none. */
  readonly micro: string | null;
  remove(): void;
}

/** Whether git knows a commit by this name. */
export function isCommit(ref: string): boolean {
  return (
    spawnSync('git', ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`]).status === 0
  );
}

/** Checks out what git calls `ref`, which must be a commit. */
export function createWorktree(ref: string): Worktree {
  const folder = makeScratch('worktree');
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
    remove: () => removeScratch(folder),
  };
}

// Their folders are gone by then: that was asked for first, by scratch.ts.
process.on('exit', () => spawnSync('git', ['worktree', 'prune']));

function run(command: string, words: readonly string[], folder: string): void {
  const done = spawnSync(command, words, { cwd: folder, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${command} ${words.join(' ')}: ${done.stdout}${done.stderr}`);
}

function read(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
