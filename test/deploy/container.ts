// The service `node` of the compose file, run without a container engine: in the namespace that `wireguard` would hold, with
// process ids, capabilities and kernel settings of a container. It stands in for Docker and shows nothing about Docker itself.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, cpSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import type { Namespace } from '../fixtures/namespace.ts';
import type { NodeHome } from '../fixtures/running-node.ts';
import { until } from '../fixtures/until.ts';

/** What of a compose file is read here. */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
}

export interface ComposeService {
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly image?: string;
  readonly network_mode?: string;
  readonly networks?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly ports?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
}

export function readComposeFile(path: string): ComposeFile {
  return load(readFileSync(path, 'utf8')) as ComposeFile;
}

/** A container that runs. */
export interface Container {
  /** Its process 1, as the host counts. */
  readonly pid: number;
  /** As `docker stop` and `docker kill` do: to process 1. Resolves with its status when all in it is gone. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
  /** What it has said so far, of both kinds. */
  said(): string;
  /** Runs the health check of the compose file in it, as Docker does. */
  isHealthy(): Promise<boolean>;
}

const dist = fileURLToPath(new URL('../..', import.meta.url));
const program = join(dist, 'adapters/main.js');

/** Makes another build of the program, which says that it is this version. */
export function makeBuild(folder: string, version: string): string {
  for (const part of ['adapters', 'core', 'handlers']) {
    cpSync(join(dist, part), join(folder, part), { recursive: true });
  }
  // As the Dockerfile does.
  chmodSync(join(folder, 'adapters/main.js'), 0o755);
  const path = join(folder, 'core/version.js');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/version: '[^']*'/, `version: '${version}'`));
  return folder;
}

/**
 * Starts one. `home` is where its volumes are. The image is the file system in the folder IMAGE_ROOT, as
 * test/deploy/image.sh hands it over; without that, this machine's own with the program as it was built here. With a
 * `build`, a folder as `makeBuild` makes it, the program is that one.
 */
export async function startContainer(
  home: NodeHome,
  namespace: Namespace,
  build: string | null = null,
): Promise<Container> {
  const { services } = readComposeFile('docker-compose.local.yml');
  for (const [name, value] of Object.entries(services['wireguard']?.sysctls ?? {})) {
    await namespace.run('sysctl', '-q', '-w', `${name}=${value}`);
  }
  const root = process.env['IMAGE_ROOT'];
  if (root !== undefined) prepareVolumes(home);
  const run = root === undefined ? [process.execPath, program] : ['tini', '--', 'wgkeeper-node'];
  const [first, ...enter] = namespace.enter;
  const output = join(home.folder, 'container');
  const file = openSync(output, 'a');
  const unshared = ['unshare', '--pid', '--fork', '--kill-child', '--mount', '--ipc'];
  const script = root === undefined ? hostScript : imageScript;
  const command = [
    ...unshared,
    'sh',
    '-euc',
    script,
    'sh',
    root ?? '',
    home.folder,
    boundingSet(services['node']),
    build ?? '',
    dist,
  ];
  const child = spawn(first, [...enter, ...command, ...run], {
    env: { PATH: process.env['PATH'], ...(root === undefined && { NODE_CONFIG: home.configPath }) },
    stdio: ['ignore', file, file],
  });
  closeSync(file);
  const ended = once(child, 'exit');
  const pid = await firstProcess(child);
  const config = root === undefined ? [`NODE_CONFIG=${home.configPath}`] : [];
  const check = healthCheck(services['node'], root !== undefined);
  return {
    pid,
    isHealthy: async () => {
      const inside = ['--target', String(pid), '--mount', '--net', '--pid', '--root', '--wd', '--'];
      const [status] = await once(spawn('nsenter', [...inside, 'env', ...config, ...check]), 'exit');
      return status === 0;
    },
    said: () => readFileSync(output, 'utf8'),
    async kill(signal) {
      process.kill(pid, signal);
      return (await ended)[0] as number | null;
    },
  };
}

function prepareVolumes({ folder }: NodeHome): void {
  for (const name of ['wireguard', 'data']) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
}

function healthCheck(service: ComposeService | undefined, inImage: boolean): readonly string[] {
  const [, program = '', path = ''] = service?.healthcheck?.test ?? [];
  return inImage ? [program, path] : [process.execPath, path.replace('/app/dist', dist)];
}

/** For setpriv(1). */
function boundingSet(service: ComposeService | undefined): string {
  const added = (service?.cap_add ?? []).map((name) => `+${name.toLowerCase()}`);
  return [...(service?.cap_drop ?? []).map((name) => `-${name.toLowerCase()}`), ...added].join(',');
}

async function firstProcess(child: ChildProcess): Promise<number> {
  let pid = 0;
  await until('the container has a process 1', () => {
    if (child.exitCode !== null) throw new Error(`the container ended with status ${child.exitCode}`);
    pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim());
    return pid > 0;
  });
  return pid;
}

// Docker mounts /proc/sys read-only: settings that the compose file does not make can't be made inside.
const readOnlySettings = `mount -t proc proc "$proc"
mount --bind "$proc/sys" "$proc/sys"
mount -o remount,ro,bind "$proc/sys"`;
const limited = 'setpriv --bounding-set "$caps" --inh-caps -all --no-new-privs';

const hostScript = `home=$2 caps=$3 build=$4 dist=$5 proc=/proc
shift 5
${readOnlySettings}
[ -z "$build" ] || mount --bind "$build" "$dist"
cd "$home"
exec ${limited} "$@"`;

// wireguard-go stands in for the kernel's WireGuard, so its control socket is handed in.
const imageScript = `root=$1 home=$2 caps=$3 build=$4 proc=$1/proc
shift 5
mount --bind "$root" "$root"
for folder in dev dev/shm sys; do mount --bind "/$folder" "$root/$folder"; done
${readOnlySettings}
mkdir -p "$root/run/wireguard"
mount --bind /run/wireguard "$root/run/wireguard"
[ -z "$build" ] || mount --bind "$build" "$root/app/dist"
mount --bind "$home/wireguard" "$root/etc/wireguard"
mount --bind "$home/data" "$root/app/data"
touch "$root/app/config.yaml"
mount --bind "$home/config.yaml" "$root/app/config.yaml"
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" env -C /app ${limited} "$@"`;
