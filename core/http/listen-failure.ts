// Finds out why a port can't be listened on. Listens for a moment itself, and on nothing afterwards.
import net from 'node:net';

/** Why a port can't be had. */
export interface ListenFailure {
  readonly code: 'address_in_use' | 'address_not_available' | 'no_permission' | 'listen_failed';
  /** One line for the terminal. */
  readonly detail: string;
}

/** The native server says no without a reason, so Node's own is asked to listen at the same place. */
export function explainListenFailure(host: string | null, port: number): Promise<ListenFailure> {
  const place = `${host ?? 'every address'}, port ${port}`;
  return new Promise((resolve) => {
    const probe = net.createServer();
    const explain = (code: string | undefined) => {
      const reason = listenFailures[code ?? ''] ?? { code: 'listen_failed', text: 'can not listen' };
      probe.close();
      resolve({ code: reason.code, detail: `${place}: ${reason.text}` });
    };
    probe.once('error', (error: NodeJS.ErrnoException) => explain(error.code));
    probe.listen({ port, ...(host !== null && { host }) }, () => explain(undefined));
  });
}

const listenFailures: Readonly<Record<string, { code: ListenFailure['code']; text: string }>> = {
  EADDRINUSE: { code: 'address_in_use', text: 'another program listens there' },
  EADDRNOTAVAIL: { code: 'address_not_available', text: 'this host does not have that address' },
  ENOTFOUND: { code: 'address_not_available', text: 'this host does not have that address' },
  EACCES: {
    code: 'no_permission',
    text: 'not permitted; ports below 1024 need root or CAP_NET_BIND_SERVICE',
  },
};
