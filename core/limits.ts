// Every bound and interval of the node in one place, each with its source. "Ours" marks a choice, not a specification.

// WireGuard

/** A session is given up after 180 s (REJECT_AFTER_TIME, WireGuard paper section 6.1); idle peers with keepalive were seen to renew after up to 184. */
export const activeWithinMs = 190_000;

/** Keeps NAT mappings open (wg(8): "a sensible interval that works with a wide variety of firewalls is 25 seconds"). */
export const keepaliveSeconds = 25;

/** Longest interface name: IFNAMSIZ less the closing NUL (linux/if.h). */
export const interfaceNameLengthMax = 15;

/** Most peers on a device: MaxPeers of wireguard-go (device/constants.go). The kernel takes 2^20. */
export const devicePeersMax = 65_536;

// Calls to the device

/**
 * How long a call to the device may take, and how much longer for each change in it and for each peer on the device. Ours: a
 * change was measured at 0.2 ms and a look at 0.01 ms a peer, but a userspace device of 65,000 peers stood still for 18 s on a
 * crowded machine (garbage collection), and a call that is given up too soon is one more for it to work off.
 */
export const deviceTimeoutMs = 4_000;
export const deviceTimeoutPerChangeMs = 40;
export const deviceTimeoutPerPeerMs = 0.25;

/**
 * How long a device may take to say what it is when `init`, `up` or `down` ask, and at the start of a server, which goes on
 * without an answer. Ours: a dump of `devicePeersMax` peers takes half a second, and far longer on a machine that is short of everything.
 */
export const deviceAnswerMs = 60_000;
export const deviceAnswerAtStartMs = 5_000;

/**
 * How old a dump may be that a server takes for its first look. Ours: 65,000 peers are loaded from the store meanwhile in
 * 1.3 s (measured), and looks at so large a device count as true for longer.
 */
export const keptDumpAgeMaxMs = 3_000;

/** Bytes of the first line of a dump, which tells of the device itself. Ours: two keys, a port and a mark have at most 108. */
export const deviceLineBytesMax = 256;

/** Changes in one call. Ours: an argument list holds about 19,300 peers, and a call that hangs is to be noticed soon. */
export const deviceChangesMax = 500;

/** Bytes of input that a `wg` gets by a pipe; more go by a memory file. A pipe takes 65,536 at once (pipe(7)); ours leaves a page. */
export const wgPipeBytesMax = 61_440;

/** Bytes that one call may print. Ours: a dump of `devicePeersMax` peers with two addresses each has 11 MB. */
export const deviceOutputBytesMax = 67_108_864;

/** Bytes of a dump that are parsed before others get their turn. Ours: measured at 1 ms. */
export const deviceDumpPieceBytes = 32_768;

/** Calls that may wait for each other; one more is not made. Ours. */
export const deviceCallsMax = 64;

/** How long a process that was asked to end may take before it is forced to. Ours. */
export const shellEndGraceMs = 1_000;

/** Characters of a line that a shell prints. Ours: its scripts print shorter ones, so it is ended. */
export const shellLineLengthMax = 65_536;

/** How soon the watch on interfaces is taken up again after it ended, at first and at most: it doubles each time. Ours. */
export const watchRetryMinMs = 1_000;
export const watchRetryMaxMs = 60_000;

// The life of the interface

/** How long one call of a program may take, and one that takes longer the more peers there are. Ours: far above what they take on a busy machine. */
export const interfaceCallMs = 20_000;
export const interfaceLongCallMs = 300_000;

/** Bytes that one call may print. Ours: a million peers (the kernel's limit) of 45 bytes each. */
export const interfaceOutputBytesMax = 67_108_864;

/** Peers that one call removes. Ours: an argument list holds about 19,300 (measured). */
export const interfaceRemovalsMax = 1_000;

/** Bytes of a file for wg-quick. Ours: far above what one with 65,536 peers needs. */
export const interfaceFileBytesMax = 67_108_864;

/** How long `init`, `up`, `down` and `import` wait for each other. Ours: longer than their calls add up to in practice. */
export const folderLockWaitSeconds = 60;

// Peers in memory

/** Bytes of a peer's text in a list. Ours: with both addresses, a handshake and an end it has up to 362, and a device's clock may be mad. */
export const peerTextBytesMax = 448;

// Looks at the device

/** How old an answer about the device may be. Ours (README.md). */
export const lookAgeMaxMs = 1_000;

/** A look that takes long is repeated after this many times its own length, so that it never takes more than 5 % of a core. Ours (README.md). */
export const lookAgeFactor = 20;

/**
 * How long readers wait for a look, and how many times as long as the last one took where that is more: beyond it the device
 * counts as one that can't be read for now, and they go on without it. Ours: probes are given a few seconds.
 */
export const lookWaitMs = 2_000;
export const lookWaitFactor = 4;

/** How long reads go on from the last good look while the device can't be read. Ours. */
export const lookStaleMaxMs = 10_000;

// The writer

/** Changes that share one store write and one device call. Ours: beyond 64 a `wg addconf` gains nothing more a peer. */
export const batchMax = 64;

/** Peers' keys that are made before they are asked for. Ours: those of one batch. */
export const keysAheadMax = 64;

/** Callers that may wait for the writer; one more is told `overloaded` at once. Ours. */
export const queueMax = 4_096;

/** How long a request may take before its caller is told that the outcome is unknown. Ours: below the 30 s and 60 s of common clients and proxies. */
export const requestDeadlineMs = 15_000;

/** A turn of the writer that takes longer counts as one that never ends. Ours: far above what putting back 65,000 peers takes (measured: 8 to 11 s). */
export const turnMaxMs = 300_000;

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

// Configuration

/** Characters of the API key and of the metrics token. Ours: 32 hexadecimal digits are 128 bits, and both travel in a header. */
export const secretLengthMin = 32;
export const secretLengthMax = 1_024;

/** Longest path, in characters: PATH_MAX less the closing NUL (linux/limits.h). */
export const pathLengthMax = 4_095;

/** Addresses and networks in one list. Ours: each may be compared with each new connection. */
export const networksMax = 1_024;

/** Most peers with metrics of their own, and how many unless told. Ours. */
export const perPeerSeriesMax = 100_000;
export const perPeerSeriesDefault = 100;

/** Bytes of the configuration file and of a file that holds a secret. Ours. */
export const configBytesMax = 262_144;
export const secretFileBytesMax = 4_096;

/** Bytes of a certificate with its chain, and of its key. Ours: a hundred times what most have. */
export const tlsFileBytesMax = 1_048_576;

/** Levels of the configuration file. Ours: twice what its keys use. */
export const configDepthMax = 10;

// The process

/** How long a server may take to drain before the process ends regardless. Ours: exit within 5 s of the first signal, with some to spare. */
export const stopDeadlineMs = 4_500;

/** How long one message to systemd may take. Ours: its command waits for 5 s until systemd has read it. */
export const notifyTimeoutMs = 10_000;

/** How long a command may take to end after SIGTERM, and its pipes to close after its end. Ours. */
export const commandEndGraceMs = 1_000;

/** Characters of a failed command's last words, and how many of its arguments, that are told. Ours. */
export const commandStderrMax = 4_096;
export const commandArgumentsShownMax = 24;

// The log

/** Bytes that are gathered before they are written. Ours: the audit lines of one batch of changes, in one write. */
export const logBufferBytes = 32_768;

/** How long a line may wait to be written. Ours. */
export const logFlushMs = 250;

/** How often a log that ends tries again to write what its reader has not taken, and how long it rests between. Ours: 0.4 s in all, so that the process ends within its 5 s. */
export const logEndTries = 80;
export const logEndPauseMs = 5;

/** Bytes kept while whoever reads the log does not; beyond it lines are dropped and counted. Ours. */
export const logBacklogBytesMax = 1_048_576;

/** Audit lines for what one look at the device put right. Ours: a line a peer tells what happened to it; an interface made anew is one event. */
export const auditLinesMax = 1_000;

// HTTP

/** A request's line and headers together. Ours (README.md); what is longer is answered 431 by the native server. */
export const headBytesMax = 8_192;

/** A request's body. Ours (README.md). */
export const bodyBytesMax = 256 * 1_024;

/** How much of a body that is too large is read and dropped, so that its sender gets to read the 413, before the connection is cut. Ours. */
export const bodyDropBytesMax = 8 * 1_024 * 1_024;

/** Requests a second that one client address may go on making. Ours (README.md). */
export const ratePerSecond = 20;

/** Requests that one client address may make at once. Ours (README.md). */
export const rateBurst = 30;

/** Client addresses whose rate is remembered, twice over at most. Ours: some 10 MB. */
export const rateAddressesMax = 65_536;

/** What `Keep-Alive` promises an idle connection. The native server cuts at 8 to 12 s (measured). */
export const keepAliveSeconds = 6;

/** Body text handed to the socket at once. Ours: less than the room that a writable socket is known to have, so that no backlog grows. */
export const streamPieceLength = 16 * 1_024;

/** Body text made in one turn of the event loop for one reader. Ours: some milliseconds. */
export const streamTurnLength = 256 * 1_024;

/** How long a reader of a long body may take nothing before the connection is cut. Ours: as long as the native server waits for a slow sender. */
export const streamStallMs = 10_000;

/** How long the whole of a long body may take its reader. Ours: 20 MB at 0.6 Mbit/s. */
export const streamTotalMs = 300_000;

/** Long bodies on their way at once; one more is told `overloaded`. Ours: each holds on to the view that it shows. */
export const streamsMax = 64;

/** Lines a second that refused requests may put in the log; what is beyond is counted. Ours. */
export const refusalLinesPerSecond = 10;

/** How long a stopping server lets answers that are already handed to the system reach their readers. Ours. */
export const drainGraceMs = 1_000;

/** How long a stopping server waits for requests under way. Ours: with what follows it the process ends within 5 s. */
export const drainMs = 3_500;

/** Connections at once, where the limit of open files allows them. Ours: some 9 MB (measured). */
export const connectionsMax = 10_000;

/** How long connections that began with a replaced certificate may last. Ours: as long as a long body may take its reader. */
export const tlsRetiredMs = 300_000;

/** Replaced certificates that still have connections; one more, and those of the oldest are cut. Ours. */
export const tlsRetiredMax = 8;

/** Open files that are not connections: store, log, memory files and pipes of the shells. Ours. */
export const openFilesReserved = 256;

// Metrics

/** Connections to the metrics listener at once. Ours: a few Prometheus servers; they come out of `openFilesReserved`. */
export const metricsConnectionsMax = 32;

/** How long a scrape waits for a fresh look at the device before it tells what is known. Ours: well below the 10 s that Prometheus waits. */
export const scrapeSettleMs = 2_000;

/** How often the delay of the event loop is measured. Ours: a delay that matters is longer. */
export const loopDelayResolutionMs = 20;

// The store

/** Peers that one piece of a whole file holds. Ours: encoding or checking a piece takes some 5 ms at most. */
export const storePeersPerFrame = 1_024;

/** Bytes of appended batches before the file is written anew, where the peers themselves take less. Ours. */
export const storeAppendedBytesMin = 1_048_576;

/** Bytes of a store file. Ours: over twice what the 1,048,576 peers of a kernel device need. */
export const storeBytesMax = 1_073_741_824;

/** Retired keys that are remembered longer than it takes to see them off the device, also when the file is written anew. Ours: those of the last batches. */
export const storeRetiredMax = 1_024;

/** How long flock(1) may take to answer, beside what it is told to wait. Ours: it only asks the kernel. */
export const lockTimeoutMs = 5_000;

// The doctor

/** How long one check may take. Ours: with `diagnosisTimeoutMs`, an asker over HTTP gets an answer before `requestDeadlineMs`. */
export const checkTimeoutMs = 6_000;

/** How long one program that a check starts may take. Ours: so that the check can still say which one it was. */
export const checkProgramTimeoutMs = 5_000;

/** Programs that checks run at the same time. Ours: a busy host is not to be made busier. */
export const checkProgramsMax = 4;

/** Bytes that one such program may print. Ours: some 10,000 routes. */
export const checkOutputBytesMax = 4_194_304;

/** Processes that are looked at for who holds a port, and open files of each. Ours: the kernel's default of pid_max, and beyond a full node. */
export const checkProcessesMax = 32_768;
export const checkFilesMax = 65_536;

/** How long the doctor may take that a request started, and bytes of its answer. Ours: more than its slowest check, with its own start. */
export const diagnosisTimeoutMs = 12_000;
export const diagnosisBytesMax = 262_144;

/** How long one diagnosis is answered again. Ours: it costs a process. */
export const diagnosisAgeMaxMs = 10_000;

/** Room on the store's disk below which the doctor fails, since changes of peers soon do, beside what the store itself takes. Ours: a batch and a few records; the store, its lock and a temporary file. */
export const diskBytesMin = 65_536;
export const diskInodesMin = 3;

/** Room on the store's disk below which the doctor warns, beside what the store itself takes. Ours. */
export const diskBytesWarn = 67_108_864;
export const diskInodesWarn = 128;
