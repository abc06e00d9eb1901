// What the servers beside the node are told to answer: the node's own answers, taken from it beforehand. Written to a file
// for the process that serves them.
import { readFileSync } from 'node:fs';

/** One whole answer. */
export interface Answer {
  readonly status: number;
  /** Without those that the server adds by itself; the request id is `requestIdText`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export interface ServerSpec {
  readonly port: number;
  readonly apiKey: string;
  readonly allowedIps: readonly (readonly [network: string, prefix: number, family: 'ipv4' | 'ipv6'])[];
  /** By pattern, for the floor: `/peers/:peerId` is answered the same whatever the id is. */
  readonly constants: Readonly<Record<string, Answer>>;
  /** By path and query, for servers that look up what they answer. */
  readonly bodies: Readonly<Record<string, string>>;
  /** Of every answer, in order, without the request id. */
  readonly headers: Answer['headers'];
}

/** Reads the file that the first argument names. */
export function readSpec(): ServerSpec {
  return JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ServerSpec;
}
