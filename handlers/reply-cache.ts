// Bodies that were rendered from the table as it stands, kept until it changes.

/** Rendered bodies by the request that they answer. */
export interface ReplyCache {
  /** The body kept under this name for this revision of the table, or the one that `render` makes. */
  get(revision: number, name: string, render: () => string): Uint8Array;
}

/** A cache of at most `bytesMax` bytes of bodies; what does not fit is rendered each time. */
export function createReplyCache(bytesMax: number): ReplyCache {
  const bodies = new Map<string, Uint8Array>();
  let keptRevision = -1;
  let bytes = 0;

  return {
    get(revision, name, render) {
      if (revision !== keptRevision) {
        bodies.clear();
        bytes = 0;
        keptRevision = revision;
      }
      const kept = bodies.get(name);
      if (kept !== undefined) return kept;
      const body = Buffer.from(render());
      if (bytes + body.length <= bytesMax) {
        bytes += body.length;
        bodies.set(name, body);
      }
      return body;
    },
  };
}
