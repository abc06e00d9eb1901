// A body that was rendered from the table as it stands, kept until the table changes.

/** The last body of one kind. */
export class KeptReply {
  #body: Uint8Array = Buffer.alloc(0);
  #revision = -1;

  /** The body for this revision of the table: the one that is kept, or the one that `render` makes. */
  get(revision: number, render: () => string): Uint8Array {
    if (revision !== this.#revision) {
      this.#body = Buffer.from(render());
      this.#revision = revision;
    }
    return this.#body;
  }
}
