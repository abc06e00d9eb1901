// What a server does about its interface before it serves: as root it brings it up, and otherwise only looks at it.
import { compareInterface } from '../../core/doctor/interface.ts';
import { fail, ok } from '../../core/result.ts';
import { bringUp, type WireguardConfig } from './interface.ts';
import { type InterfaceHost, isThere, type Step } from './interface-host.ts';
import { readDevice, readLink } from './live-interface.ts';
import { interfaceAddress } from './wg-quick-text.ts';

/**
 * `bringUp` for root; any other user has the interface that root made, or none. An interface that is missing for such a
 * user, or is there and can't be read, is no failure: the server is to start and to wait for it, and the log says what to do.
 */
export async function prepareInterface(
  config: WireguardConfig,
  peersStored: boolean,
  host: InterfaceHost,
): Step {
  if (!host.isRoot) return ok(await lookAtInterface(config, host));
  const up = await bringUp(config, peersStored, host);
  if (up.ok) return ok(host.log.info({ interface: config.interface, outcome: up.value }, 'interface is up'));
  if (up.failure.code === 'file_write_failed') {
    // As under the drop-in for wireguard-go: the server is root, and may write nothing of the host's.
    const message = `${up.failure.message}. If this server is not to write there: ${upAsRoot('reload')}`;
    return fail({ ...up.failure, message });
  }
  if (up.failure.code !== 'device_silent' || !(await isThere(config.interface, host))) return up;
  const changes = 'If the configuration has changed, run "wgkeeper-node up" once it answers';
  return ok(tellUnavailable(`${up.failure.message}. ${changes}`, config, host));
}

async function lookAtInterface(config: WireguardConfig, host: InterfaceHost): Promise<void> {
  const name = config.interface;
  if (!(await isThere(name, host))) {
    const missing = `there is no interface ${name}, and only root makes it: ${upAsRoot('restart')}`;
    return tellUnavailable(missing, config, host);
  }
  const device = await readDevice(name, host);
  if (!device.ok) return tellUnavailable(device.failure.message, config, host);
  const link = await readLink(name, host);
  if (!link.ok) return host.log.warn({ interface: name }, link.failure.message);
  const differences = compareInterface({
    name,
    wanted: { listenPort: config.listenPort, addresses: config.subnets.map(interfaceAddress) },
    link: link.value,
    device: { publicKey: device.value.publicKey, listenPort: Number(device.value.listenPort) },
    // The file is root's.
    fileKey: null,
  }).map(({ seen }) => seen);
  if (differences.length === 0) return host.log.info({ interface: name }, 'interface is up');
  host.log.warn(
    { interface: name, differences },
    `the interface is not as the configuration says: ${upAsRoot('reload')}`,
  );
}

// The units are those of docs/systemd. A reload starts no wireguard-go that stays.
function upAsRoot(verb: 'reload' | 'restart'): string {
  return `run "wgkeeper-node up" as root, under systemd "systemctl ${verb} wgkeeper-node-interface"`;
}

function tellUnavailable(why: string, config: WireguardConfig, { log }: InterfaceHost): void {
  log.error({ interface: config.interface }, `${why}. The API is served all the same, with 503 from readyz`);
}
