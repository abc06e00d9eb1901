// Looks at the live interface: what ip and wg say of it. Asks for no secret.
import type { InterfaceFacts } from '../../core/doctor/interface.ts';
import { type Link, parseLinks } from '../interface/link-text.ts';
import type { RunCommand } from '../run-command.ts';
import { checkBounds } from './bounded-run.ts';

/** Every interface by name; null: they can't be seen. */
export async function readLinks(run: RunCommand): Promise<ReadonlyMap<string, Link> | null> {
  const shown = await run('ip', ['-json', 'address', 'show'], checkBounds);
  return shown.ok ? parseLinks(shown.value) : null;
}

/** The device as in `InterfaceFacts`. Field by field, since a dump holds every secret. */
export async function readDeviceFacts(
  name: string,
  run: RunCommand,
  isRoot: boolean,
): Promise<InterfaceFacts['device']> {
  const key = await run('wg', ['show', name, 'public-key'], checkBounds);
  const port = key.ok ? await run('wg', ['show', name, 'listen-port'], checkBounds) : key;
  if (key.ok && port.ok) return { publicKey: key.value.trim(), listenPort: Number(port.value.trim()) };
  const failure = key.ok ? port : key;
  if (failure.ok || failure.failure.code === 'command_missing') return null;
  if (failure.failure.code === 'command_timeout') return 'slow';
  return isRoot ? 'refused' : null;
}
