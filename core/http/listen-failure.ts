// Finds out whether a port can be listened on, and why not. Listens for a moment itself, and on nothing afterwards.
import net from 'node:net';

/** Why a port can't be had. */
export interface ListenFailure {
  readonly code: 'address_in_use' | 'address_not_available' | 'no_permission' | 'listen_failed';
  /** One line for the terminal. */
  readonly detail: string;
}

/** Why nobody can listen there now; null: somebody can. Node's own server is asked, since the native one gives no reasons. */
export function findListenFailure(host: string | null, port: number): Promise<ListenFailure | null> {
  const place = `${host ?? 'every address'}, port ${port}`;
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const { code, text } = listenFailures[error.code ?? ''] ?? unexplained;
      resolve({ code, detail: `${place}: ${text}` });
    });
    probe.listen({ port, ...(host !== null && { host }) }, () => probe.close(() => resolve(null)));
  });
}

const unexplained = { code: 'listen_failed', text: 'can not listen' } as const;

const listenFailures: Readonly<Record<string, { code: ListenFailure['code']; text: string }>> = {
  EADDRINUSE: { code: 'address_in_use', text: 'another program listens there' },
  EADDRNOTAVAIL: { code: 'address_not_available', text: 'this host does not have that address' },
  ENOTFOUND: { code: 'address_not_available', text: 'this host does not have that address' },
  EACCES: {
    code: 'no_permission',
    text: 'not permitted; ports below 1024 need root or CAP_NET_BIND_SERVICE',
  },
};
