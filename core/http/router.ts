// From a path to the operations that live there. Methods, HEAD and 405 are decided by the caller from what is found.
import { createRequire } from 'node:module';
import type { default as FindMyWay } from 'find-my-way';
import { headBytesMax } from '../limits.ts';

// What is imported and no ES module is searched by Node for names that it may export, and V8 optimises the search of so
// large a file: 2 to 5 MB of resident memory that stay (Node.js 20). Required, it is not.
const findMyWay = createRequire(import.meta.url)('find-my-way') as typeof FindMyWay;

/** What lives at a path. */
interface Resource<Operation> {
  /** By method, in upper case; HEAD stands for the same as GET. */
  readonly operations: ReadonlyMap<string, Operation>;
  /** The value of `Allow`. */
  readonly allow: string;
}

/** A path that leads somewhere. */
interface Match<Operation> {
  readonly resource: Resource<Operation>;
  /** Percent-decoded. */
  readonly params: Readonly<Record<string, string | undefined>>;
}

/** Finds what lives at a path, or null. A trailing slash counts for nothing. */
export type Router<Operation> = (path: string) => Match<Operation> | null;

/** Builds a router. Templates are in find-my-way's syntax, without a trailing slash. */
export function createRouter<Operation extends { readonly method: string; readonly path: string }>(
  operations: readonly Operation[],
): Router<Operation> {
  // A parameter may be as long as a request line: whether it is a good one is for the operation to say.
  const tree = findMyWay({ maxParamLength: headBytesMax, querystringParser: () => ({}) });
  for (const [path, resource] of groupByPath(operations)) {
    tree.on('GET', path, () => {}, resource);
  }
  const find = (path: string) => {
    const found = tree.find('GET', path);
    return found === null ? null : { resource: found.store as Resource<Operation>, params: found.params };
  };
  return (path) => {
    const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    // Two slashes are not one: no parameter is empty.
    if (plain.length > 1 && plain.endsWith('/')) return null;
    // A path that is not percent-encoded UTF-8 is taken literally: `/peers/%zz` is a peer with a bad name, not another place.
    return find(plain) ?? (plain.includes('%') ? find(plain.replaceAll('%', '%25')) : null);
  };
}

function groupByPath<Operation extends { readonly method: string; readonly path: string }>(
  operations: readonly Operation[],
): ReadonlyMap<string, Resource<Operation>> {
  const paths = new Map<string, Map<string, Operation>>();
  for (const operation of operations) {
    const methods = paths.get(operation.path) ?? new Map<string, Operation>();
    methods.set(operation.method, operation);
    if (operation.method === 'GET') methods.set('HEAD', operation);
    paths.set(operation.path, methods);
  }
  return new Map(
    [...paths].map(([path, methods]) => [
      path,
      { operations: methods, allow: [...methods.keys()].join(', ') },
    ]),
  );
}
