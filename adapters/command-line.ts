// What the arguments of the program mean. Pure: does nothing about it.
import { parseArgs } from 'node:util';
import { fail, ok, type Result } from '../core/result.ts';
import type { ImportOrder } from './import/order.ts';

/** What the program is asked to do. `serve` is what it does without a command. */
export type Command =
  | { readonly kind: 'serve' | 'up' | 'down' | 'check-config' | 'version' | 'help' }
  | { readonly kind: 'init'; readonly printPath: boolean }
  | ({ readonly kind: 'import' } & ImportOrder)
  | { readonly kind: 'doctor'; readonly json: boolean };

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
  import FILE         show what taking over FILE, a wg-quick configuration made by hand, would do
    --apply             do it
    --ids FILE          peer ids by public key, in YAML or JSON; others are derived from the keys
    --skip              leave out the peers that can't be taken over
  check-config        check the configuration and the files that it names; exit 1 when one is wrong
  doctor              check this host, a line a check; exit 1 when one fails
  doctor --json       the same as one JSON document

Options:
  -h, --help          print this
  -V, --version       print the version

Environment:
  NODE_CONFIG         path of the configuration; default ./config.yaml
  DEBUG               true or 1: verbose logs, and details in error answers; not for production
`;

/** Reads the arguments that stand behind the program's name. `--help` and `--version` win over whatever else is asked. */
export function parseCommandLine(args: readonly string[]): Result<Command, UsageFailure> {
  const { tokens } = parseArgs({
    args: [...args],
    options: { ids: { type: 'string' } },
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  const options = new Map<string, string>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const { rawName, value = '' } = token;
    const known = optionNames.get(rawName);
    if (known === undefined) return usage(`unknown option ${quote(rawName)}`);
    if (known === 'ids' && value === '') return usage(`${rawName} needs a file`);
    if (known !== 'ids' && token.value !== undefined) return usage(`${rawName} takes no value`);
    options.set(known, value);
  }
  return resolve(words, options);
}

const optionNames: ReadonlyMap<string, string> = new Map([
  ['-h', 'help'],
  ['--help', 'help'],
  ['-V', 'version'],
  ['--version', 'version'],
  ['--print-path', 'print-path'],
  ['--apply', 'apply'],
  ['--ids', 'ids'],
  ['--skip', 'skip'],
  ['--json', 'json'],
]);

// Options of one command alone.
const commandOf: ReadonlyMap<string, CommandWord> = new Map([
  ['print-path', 'init'],
  ['apply', 'import'],
  ['ids', 'import'],
  ['skip', 'import'],
  ['json', 'doctor'],
]);

function resolve(
  words: readonly string[],
  options: ReadonlyMap<string, string>,
): Result<Command, UsageFailure> {
  const [word, ...more] = words;
  if (word !== undefined && !isCommand(word)) return usage(`unknown command ${quote(word)}`);
  const file = word === 'import' ? more.shift() : undefined;
  if (more[0] !== undefined) return usage(`unexpected argument ${quote(more[0])}`);
  if (options.has('help')) return ok({ kind: 'help' });
  if (options.has('version')) return ok({ kind: 'version' });
  for (const option of options.keys()) {
    const owner = commandOf.get(option);
    if (owner !== word) return usage(`--${option} goes with ${owner} only`);
  }
  if (word === 'init') return ok({ kind: 'init', printPath: options.has('print-path') });
  if (word === 'doctor') return ok({ kind: 'doctor', json: options.has('json') });
  if (word !== 'import') return ok({ kind: word ?? 'serve' });
  if (file === undefined) return usage('import needs a file');
  const idsFile = options.get('ids') ?? null;
  return ok({ kind: 'import', file, idsFile, apply: options.has('apply'), skip: options.has('skip') });
}

const commandWords = ['init', 'up', 'down', 'import', 'check-config', 'doctor'] as const;

type CommandWord = (typeof commandWords)[number];

function isCommand(word: string): word is CommandWord {
  return commandWords.some((command) => command === word);
}

function usage(problem: string): { readonly ok: false; readonly failure: UsageFailure } {
  return fail({ message: `wgkeeper-node: ${problem}; see wgkeeper-node --help` });
}

/** On one line, whatever was typed. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
