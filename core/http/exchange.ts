// One request on its way through dispatch: what is known about it and who it is from. Decides nothing.
import { type Address, formatAddress } from '../address.ts';
import type { Access } from './access.ts';
import type { RawInput, RequestHead } from './contract.ts';
import type { RequestId } from './request-id.ts';

/** What a route gets to decode, and what the answer needs to know. */
export class Exchange implements RawInput {
  params: RawInput['params'] = {};
  body: unknown = undefined;
  readonly query: string | null;
  readonly id: RequestId;
  readonly method: string;
  readonly path: string;
  /** The caller wants the connection to end with the answer. */
  readonly closes: boolean;
  /** When the request came, where somebody measures; else 0. */
  readonly startedMs: number;
  readonly #access: Access;
  #head: RequestHead | null;
  #client: Address | null = null;

  constructor(head: RequestHead, id: RequestId, access: Access, startedMs: number) {
    this.query = head.query;
    this.id = id;
    this.method = head.method;
    this.path = head.path;
    this.closes = head.closes;
    this.startedMs = startedMs;
    this.#access = access;
    this.#head = head;
  }

  get requestId(): string {
    return this.id.text;
  }

  clientAddress(): string {
    const client = this.client();
    return client === null ? 'unknown' : formatAddress(client);
  }

  /** The client after trusted proxies; null when it was not asked for while the head was alive. */
  client(): Address | null {
    if (this.#client === null && this.#head !== null) this.#client = this.#access.client(this.#head);
    return this.#client;
  }

  /** Forgets the head, which lives only as long as the native request, and before that learns the client from it if it will be wanted. */
  releaseHead(clientWanted: boolean): void {
    if (clientWanted) this.client();
    this.#head = null;
  }
}
