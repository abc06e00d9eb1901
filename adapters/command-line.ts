// What the arguments of the program mean. Pure: does nothing about it.
import { parseArgs } from 'node:util';
import { fail, ok, type Result } from '../core/result.ts';

/** What the program is asked to do. `serve` is what it does without a command. */
export type Command =
  | { readonly kind: 'serve' | 'up' | 'down' | 'version' | 'help' }
  | { readonly kind: 'init'; readonly printPath: boolean };

/** Arguments that mean nothing; one line for stderr. */
export interface UsageFailure {
  readonly message: string;
}

/** What `--help` prints. */
export const helpText = `Usage: wgkeeper-node [command]

One process that owns one WireGuard interface and manages its peers over a REST API.

Commands:
  (none)              bring the interface up, then serve the API
  init                make sure that the WireGuard config file exists
  init --print-path   the same, and print its path
  up                  init, then bring the interface up if it is not up
  down                take the interface down

Options:
  -h, --help          print this
  -V, --version       print the version

Environment:
  NODE_CONFIG         path of the configuration; default ./config.yaml
  DEBUG               true or 1: verbose logs, and details in error answers; not for production
`;

/** Reads the arguments that stand behind the program's name. `--help` and `--version` win over whatever else is asked. */
export function parseCommandLine(args: readonly string[]): Result<Command, UsageFailure> {
  const { tokens } = parseArgs({ args: [...args], strict: false, tokens: true, allowPositionals: true });
  const options = new Set<string>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const known = optionNames.get(token.rawName);
    if (known === undefined) return usage(`unknown option ${quote(token.rawName)}`);
    if (token.value !== undefined) return usage(`${token.rawName} takes no value`);
    options.add(known);
  }
  return resolve(words, options);
}

const optionNames: ReadonlyMap<string, string> = new Map([
  ['-h', 'help'],
  ['--help', 'help'],
  ['-V', 'version'],
  ['--version', 'version'],
  ['--print-path', 'print-path'],
]);

function resolve(words: readonly string[], options: ReadonlySet<string>): Result<Command, UsageFailure> {
  const [word, extra] = words;
  if (word !== undefined && !isCommand(word)) return usage(`unknown command ${quote(word)}`);
  if (extra !== undefined) return usage(`unexpected argument ${quote(extra)}`);
  if (options.has('help')) return ok({ kind: 'help' });
  if (options.has('version')) return ok({ kind: 'version' });
  const printPath = options.has('print-path');
  if (word === 'init') return ok({ kind: 'init', printPath });
  if (printPath) return usage('--print-path goes with init only');
  return ok({ kind: word ?? 'serve' });
}

function isCommand(word: string): word is 'init' | 'up' | 'down' {
  return word === 'init' || word === 'up' || word === 'down';
}

function usage(problem: string): { readonly ok: false; readonly failure: UsageFailure } {
  return fail({ message: `wgkeeper-node: ${problem}; see wgkeeper-node --help` });
}

/** On one line, whatever was typed. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
