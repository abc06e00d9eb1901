// How large the packets inside a tunnel may be. Looks at no interface.

/** Around each packet: IPv6 40 bytes, UDP 8, WireGuard's own 32. wg-quick(8) reckons so, too. */
export const tunnelOverheadBytes = 80;

/** What IPv6 needs (RFC 8200, section 5). */
export const mtuBytesMin = 1_280;

/** The MTU of Ethernet, where nothing better is known. */
export const ethernetMtuBytes = 1_500;

/** The MTU of a WireGuard interface whose packets leave through one with this MTU. */
export function tunnelMtuBytes(outerMtuBytes: number): number {
  return Math.max(outerMtuBytes - tunnelOverheadBytes, mtuBytesMin);
}
