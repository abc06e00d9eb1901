// How sysctl(8) takes the name of a kernel setting. Knows no setting.

/** From its path below /proc/sys: with dots, as people write it, unless a part has a dot itself, as `eth0.5` does. */
export function formatSysctl(path: string): string {
  return path.includes('.') ? path : path.replaceAll('/', '.');
}
