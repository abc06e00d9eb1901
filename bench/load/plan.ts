// What a load is, whichever program makes it.

/** What is asked, over and over. */
export interface LoadPlan {
  readonly port: number;
  /** Connections; each has one request under way at a time. */
  readonly connections: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Request targets, drawn at random; or one. */
  readonly targets: readonly string[];
  /** Instead of GET of the targets: POST of bodies that each make a new peer. */
  readonly creates?: true;
  /** Command line that runs the load elsewhere, in a namespace. */
  readonly prefix?: readonly string[];
}

/** A load that was started and waits. */
export interface Load {
  /** Loads for this long and answers how many requests that were. */
  slice(ms: number): Promise<number>;
  /** Ends it; answers how many answers were no good ones, since the start. */
  stop(): Promise<number>;
}
