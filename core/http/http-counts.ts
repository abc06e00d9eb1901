// What one API counts about its requests and connections: plain numbers, nothing made and no clock asked for a request.

/** Requests that were answered alike. */
export interface RequestCount {
  readonly method: string;
  /** The route's template; null: none was found. */
  readonly route: string | null;
  /** The first digit of the status. */
  readonly statusClass: number;
  readonly count: number;
}

interface Operation {
  readonly method: string;
  readonly path: string;
}

/** Counts for one dispatch and the server in front of it. */
export class HttpCounts {
  /** Open now. */
  connections = 0;
  connectionsAccepted = 0;
  /** Closed as they came, since there were too many. */
  connectionsRefused = 0;
  /** Of bodies that operations read. */
  requestBodyBytes = 0;
  /** Of bodies, as handed to the system. */
  responseBodyBytes = 0;
  // An operation's slots: one for each first digit of a status, and then the same for HEAD.
  readonly #operations = new Map<Operation, Float64Array>();
  readonly #unmatched = new Map<string, Float64Array>();
  readonly #refusals = new Map<string, number>();

  constructor(operations: readonly Operation[]) {
    for (const operation of operations) this.#operations.set(operation, new Float64Array(2 * classes));
    for (const method of knownMethods) this.#unmatched.set(method, new Float64Array(classes));
  }

  /** A request was answered; `operation` undefined: none lives at that path under that method. */
  answered(operation: Operation | undefined, method: string, status: number): void {
    const slot = (status / 100) | 0;
    if (operation === undefined) increment(this.#unmatched.get(method) ?? this.#unmatched.get('other'), slot);
    else increment(this.#operations.get(operation), method === 'HEAD' ? slot + classes : slot);
  }

  /** A request was answered with a failure of HTTP itself. `code` is from a closed list. */
  refused(code: string): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
  }

  /** A body, or a piece of one, was handed to the system. */
  sent(bytes: number): void {
    this.responseBodyBytes += bytes;
  }

  /** A body was read. */
  received(bytes: number): void {
    this.requestBodyBytes += bytes;
  }

  /** A connection came; `taken` false: it was closed at once. */
  connectionCame(taken: boolean): void {
    this.connections++;
    if (taken) this.connectionsAccepted++;
    else this.connectionsRefused++;
  }

  /** A connection went, taken or not. */
  connectionWent(): void {
    this.connections--;
  }

  /** Everything that was asked at least once. */
  *requests(): Iterable<RequestCount> {
    for (const [{ method, path }, slots] of this.#operations) {
      yield* readSlots(slots.subarray(0, classes), method, path);
      yield* readSlots(slots.subarray(classes), 'HEAD', path);
    }
    for (const [method, slots] of this.#unmatched) yield* readSlots(slots, method, null);
  }

  /** Failures by their code. */
  refusals(): ReadonlyMap<string, number> {
    return this.#refusals;
  }
}

const classes = 6;

/** Any other method is `other`: a caller could make them up without end. */
const knownMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'other'];

function increment(slots: Float64Array | undefined, slot: number): void {
  if (slots !== undefined) slots[slot] = (slots[slot] as number) + 1;
}

function* readSlots(slots: Float64Array, method: string, route: string | null): Iterable<RequestCount> {
  for (const [statusClass, count] of slots.entries()) {
    if (count > 0) yield { method, route, statusClass, count };
  }
}
