// One server an interface, by the name of an abstract Unix socket (unix(7)): a name of the network namespace, as the
// interface is. It is in no folder, and goes with its process, however that ends. Nothing is said through it.
import { createServer } from 'node:net';
import { fail, ok, type Result } from '../../core/result.ts';
import { describeSystemError, systemErrorCode } from '../disk/file-system.ts';

/**
 * Why this process can't be the interface's server; nothing was done.
 * - `lock_held`: another process is.
 * - `lock_failed`: no such socket can be made here.
 */
export interface InterfaceLockFailure {
  readonly code: 'lock_held' | 'lock_failed';
  /** One line for the terminal. */
  readonly detail: string;
}

/**
 * Makes this process the one server of an interface until it ends, or says at once that another is.
 *
 * It keeps out mistakes and no malice: any process of the network namespace can take the name first, whoever runs it, and
 * so keep a server from starting, as it can with the server's TCP port. And it binds servers alone: `wg` goes on working.
 */
export function acquireInterfaceLock(interfaceName: string): Promise<Result<void, InterfaceLockFailure>> {
  const name = interfaceLockName(interfaceName);
  return new Promise((resolve) => {
    // Whoever connects must not keep a descriptor of ours.
    const socket = createServer((connection) => connection.destroy());
    socket.once('error', (error) => {
      const isHeld = systemErrorCode(error) === 'EADDRINUSE';
      const detail = isHeld
        ? `another process serves ${interfaceName}: "ss -xlp" names the holder of @${name}. Each server needs an interface of its own`
        : `@${name}: ${describeSystemError(error)}`;
      resolve(fail({ code: isHeld ? 'lock_held' : 'lock_failed', detail }));
    });
    socket.listen(`\0${name}`.padEnd(addressBytes, '\0'), () => resolve(ok(undefined)));
    socket.unref();
  });
}

/** The name of the socket, without the zeros around it. */
export function interfaceLockName(interfaceName: string): string {
  return `wgkeeper-node:${interfaceName}`;
}

// All of sun_path (unix(7)). Node.js 20 fills the rest of a shorter name with zeros, later ones don't (measured), and so
// could not tell that they mean the same.
const addressBytes = 108;
