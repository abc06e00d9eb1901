// Counts connections, and remembers whether any of them could be from an address that is not allowed. Holds no connection.
import type { Access } from './access.ts';
import type { HeadReader } from './head-reader.ts';
import type { NativeResponse } from './native.ts';

/**
 * The connections of one server. Asking for an address at every request costs more than answering it, and the native
 * server gives a connection no memory of its own. So it is asked for once when a connection comes, and at its requests
 * only while there is one that has to be looked at.
 */
export class Connections {
  /** Connections open now. */
  open = 0;
  readonly #access: Access;
  readonly #openMax: number;
  /** Open connections from foreign addresses that have made no request yet. */
  #foreign = 0;
  /** Some connection's standing is not known by counting: requests are looked at until all connections are gone. */
  #looksAlways = false;
  #version: number;

  constructor(access: Access, openMax: number) {
    this.#access = access;
    this.#openMax = openMax;
    this.#version = access.version();
  }

  /** A connection came; false: it is one too many and is to be closed. It is counted in either case. */
  came(res: NativeResponse): boolean {
    this.#noticeNewSettings();
    this.open++;
    if (this.open > this.#openMax) return false;
    if (!this.#access.hasAllowlist()) return true;
    const standing = this.#access.standing(new Uint8Array(res.getRemoteAddress()));
    if (standing === 'proxy') this.#looksAlways = true;
    if (standing === 'foreign') {
      this.#foreign++;
      res.onAborted(() => this.foreignLeft());
    }
    return true;
  }

  /** A connection went. */
  went(): void {
    this.open--;
    if (this.open > 0) return;
    this.#foreign = 0;
    this.#looksAlways = false;
  }

  /** Tells the head where its connection stands. A foreign one ends with its first answer, and then `foreignLeft` is due. */
  judge(head: HeadReader): void {
    if (!this.#access.hasAllowlist()) return;
    this.#noticeNewSettings();
    if (this.#foreign === 0 && !this.#looksAlways) {
      head.fromAllowed = true;
      return;
    }
    const standing = this.#access.standing(head.remoteAddress());
    head.fromAllowed = standing === 'allowed';
    head.closes = standing === 'foreign';
  }

  /** A foreign connection is gone, or is about to be. */
  foreignLeft(): void {
    if (this.#foreign > 0) this.#foreign--;
  }

  #noticeNewSettings(): void {
    if (this.#access.version() === this.#version) return;
    this.#version = this.#access.version();
    this.#looksAlways = this.open > 0;
  }
}
