// Every bound and interval of the node in one place, each with its source. "Ours" marks a choice, not a specification.

// WireGuard

/** A session is given up after 180 s (REJECT_AFTER_TIME, WireGuard paper section 6.1); idle peers with keepalive were seen to renew after up to 184. */
export const activeWithinMs = 190_000;

/** Keeps NAT mappings open (wg(8): "a sensible interval that works with a wide variety of firewalls is 25 seconds"). */
export const keepaliveSeconds = 25;

/** Longest interface name: IFNAMSIZ less the closing NUL (linux/if.h). */
export const interfaceNameLengthMax = 15;

// Looks at the device

/** How old an answer about the device may be. Ours (contract). */
export const lookAgeMaxMs = 1_000;

/** A look that takes long is repeated after this many times its own length, so that it never takes more than 5 % of a core. Ours (contract). */
export const lookAgeFactor = 20;

/** How long reads go on from the last good look while the device can't be read. Ours (contract). */
export const lookStaleMaxMs = 10_000;

// The writer

/** Changes that share one store write and one device call. Ours: beyond 64 a `wg addconf` gains nothing more a peer. */
export const batchMax = 64;

/** Callers that may wait for the writer; one more is told `overloaded` at once. Ours. */
export const queueMax = 4_096;

/** How long a request may take before its caller is told that the outcome is unknown. Ours: below the 30 s and 60 s of common clients and proxies. */
export const requestDeadlineMs = 15_000;

/** How often a fault of store or device is tried again, and what `Retry-After` says meanwhile. Ours. */
export const faultRetryMs = 1_000;

/** How often store and device are compared when nothing calls for it. Ours. */
export const reconcileEveryMs = 60_000;

/** The longest sleep until the next expiry: how late a jump of the clock can be noticed. Ours: half of the promised second. */
export const expiryCheckMaxMs = 500;

/** Peers that one batch expires. Ours. */
export const expiryBatchMax = 1_024;

// The address pool

/** Addresses given back that are left to rest before the oldest of them is handed out again, while untouched ones remain. Ours. */
export const restingAddressesMax = 1_024;
