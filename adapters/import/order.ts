// What is asked of an import, and how it fails. No behaviour.

/** What the command line asks for. */
export interface ImportOrder {
  readonly file: string;
  /** A file of peer ids by public key; null: all ids are derived. */
  readonly idsFile: string | null;
  /** False: only shows what would be done. */
  readonly apply: boolean;
  /** Goes on without the peers that can't be taken up. */
  readonly skip: boolean;
}

/** Why nothing came of it, or not all; for the operator, without a secret. */
export interface ImportFailure {
  readonly message: string;
}
