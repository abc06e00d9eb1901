// Reads config.yaml and the secrets that it points to. What the keys mean, and every rule, is core/config/config.ts.
import { isUtf8 } from 'node:buffer';
import { fileURLToPath } from 'node:url';
import { type Config, parseConfig } from '../core/config/config.ts';
import { type ConfigProblem, formatConfigProblem } from '../core/config/problem.ts';
import { configBytesMax, configDepthMax, secretFileBytesMax } from '../core/limits.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { readSmallFile, type SmallFileFailure } from './disk/small-file.ts';
import { parseYaml, type YamlDocument } from './yaml-document.ts';

/** A configuration that is right, whatever else may be said of it. */
export interface LoadedConfig {
  readonly config: Config;
  /** Sentences for the log: nothing that keeps the node from running. */
  readonly warnings: readonly string[];
}

/** Why there is no configuration. */
export interface ConfigFailure {
  /** `forbidden`: this user may not read it, or a secret that it points to, and nothing else is known to be wrong. */
  readonly code: 'wrong' | 'forbidden';
  /**
   * For the terminal, one a problem, such as
   * `config.yaml:12: wireguard.subnet: got "10.0.0.0/31", want an IPv4 network with a prefix of at most 30`.
   */
  readonly lines: readonly string[];
}

/** Reads and checks a configuration file. Neither a failure's lines nor the warnings hold a secret. */
export function loadConfig(path: string): Result<LoadedConfig, ConfigFailure> {
  const file = readText(path, configBytesMax);
  if (!file.ok) {
    const lines = [`${path}: ${file.failure.reason}${missingHint(file.failure)}`];
    return fail({ code: file.failure.code === 'forbidden' ? 'forbidden' : 'wrong', lines });
  }
  const yaml = parseYaml(file.value.text, configDepthMax);
  if (!yaml.ok) {
    const line = yaml.failure.line === null ? '' : `:${yaml.failure.line}`;
    return fail({ code: 'wrong', lines: [`${path}${line}: not readable as YAML: ${yaml.failure.reason}`] });
  }
  const warnings: string[] = [];
  let forbidden = 0;
  const config = parseConfig(yaml.value.value, (secretPath) => {
    const secret = readSecret(secretPath, warnings);
    if (secret.ok) return secret;
    if (secret.failure.code === 'forbidden') forbidden += 1;
    return fail(secret.failure.reason);
  });
  if (!config.ok) {
    const code = config.failure.length === forbidden ? 'forbidden' : 'wrong';
    return fail({ code, lines: problemLines(path, yaml.value, config.failure) });
  }
  if (holdsSecret(yaml.value)) warnIfShared(path, file.value.mode, warnings);
  return ok({ config: config.value, warnings });
}

// From dist/adapters/, where this is run.
const exampleConfig = fileURLToPath(new URL('../../config.example.yaml', import.meta.url));

function missingHint({ code }: SmallFileFailure): string {
  return code === 'missing'
    ? `; start from ${exampleConfig}, or name the file in the environment variable NODE_CONFIG`
    : '';
}

/** In the order of the file. */
function problemLines(path: string, yaml: YamlDocument, problems: readonly ConfigProblem[]): string[] {
  return problems
    .map((problem) => ({ line: yaml.lineOf(problem.path), problem }))
    .sort((a, b) => a.line - b.line)
    .map(({ line, problem }) => `${path}:${line}: ${formatConfigProblem(problem)}`);
}

/** The file's text less one line end, as every editor adds one and `echo` too. */
function readSecret(path: string, warnings: string[]): Result<string, SmallFileFailure> {
  const file = readText(path, secretFileBytesMax);
  if (!file.ok) return file;
  warnIfShared(path, file.value.mode, warnings);
  return ok(file.value.text.replace(/\r?\n$/, ''));
}

function holdsSecret(yaml: YamlDocument): boolean {
  const { auth, metrics } = yaml.value as { auth?: { api_key?: unknown }; metrics?: { token?: unknown } };
  return auth?.api_key !== undefined || metrics?.token !== undefined;
}

function warnIfShared(path: string, mode: number, warnings: string[]): void {
  if ((mode & 0o077) === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  warnings.push(`${path} holds a secret and its mode ${octal} lets other users at it; chmod 600 is enough`);
}

interface TextFile {
  readonly text: string;
  readonly mode: number;
}

function readText(path: string, bytesMax: number): Result<TextFile, SmallFileFailure> {
  const file = readSmallFile(path, bytesMax);
  if (!file.ok) return file;
  const { bytes, mode } = file.value;
  if (!isUtf8(bytes)) return fail({ code: 'unreadable', reason: 'not UTF-8 text' });
  return ok({ text: new TextDecoder().decode(bytes), mode });
}
