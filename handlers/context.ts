// What handlers answer from.
import type { AddressFamily } from '../core/address.ts';
import type { PeerNode } from '../core/node.ts';
import type { Result } from '../core/result.ts';
import type { KeptReply } from './kept-reply.ts';
import type { LastPage } from './last-page.ts';
import type { TextBuffer } from './text-buffer.ts';

/** One for all requests, as long as the server lives. */
export interface ApiContext {
  readonly node: PeerNode;
  /** Wall clock: milliseconds since the Unix epoch. */
  readonly nowMs: () => number;
  /** When the process started, milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
  readonly service: { readonly name: string; readonly version: string };
  readonly wireguard: {
    readonly interface: string;
    /** UDP, as configured; what the interface itself says of its port goes before it. */
    readonly listenPort: number;
    /** As text, IPv4 first; the same order in all three. */
    readonly subnets: readonly string[];
    readonly serverIps: readonly string[];
    readonly addressFamilies: readonly AddressFamily[];
  };
  readonly statsReply: KeptReply;
  readonly lastPage: LastPage;
  /** In which one body is put together after the other. */
  readonly buffer: TextBuffer;
  /** The bytes of `docs/openapi.json`; null: they can't be read. */
  readonly readApiDescription: () => Promise<Uint8Array | null>;
  /** The checks of this host as JSON text (`formatDiagnosis`), made once for all who ask within a while. Never rejects. */
  readonly diagnose: () => Promise<Result<string, { readonly detail: string }>>;
}
