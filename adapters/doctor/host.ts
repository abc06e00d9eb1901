// What the checks see this host through. Changes nothing of it.
import type { Result } from '../../core/result.ts';
import type { ConfigFailure, LoadedConfig } from '../config-file.ts';
import type { InterfaceHost } from '../interface/interface-host.ts';

/** `run` ends within `checkProgramTimeoutMs`, whatever bounds a call asks for; `log` keeps quiet. */
export interface DoctorHost extends InterfaceHost {
  /** The PATH to find programs on. */
  readonly path: string;
  readonly configPath: string;
  readonly config: Result<LoadedConfig, ConfigFailure>;
  readonly nowMs: () => number;
}
