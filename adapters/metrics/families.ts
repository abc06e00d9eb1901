// Every metric of the node but those of single peers and of the process, in the order in which they are read.
import type { HttpCounts } from '../../core/http/http-counts.ts';
import type { Looks } from '../../core/metrics/counted-device.ts';
import type { StoreWrites } from '../../core/metrics/counted-store.ts';
import { counter, counters, type Family, gauge, histograms } from '../../core/metrics/family.ts';
import type { TimedCounts } from '../../core/metrics/timed-counts.ts';
import type { PeerNode } from '../../core/node.ts';
import type { WgRun } from '../device/wg-shell.ts';
import type { InterfaceTraffic } from './interface-traffic.ts';

/** Runs of `wg`, by what they were asked to do. */
export type WgRuns = TimedCounts<string, Exclude<WgRun['result'], 'ok'>>;

/** Where the numbers come from. */
export interface MetricSources {
  readonly service: { readonly name: string; readonly version: string };
  readonly node: PeerNode;
  /** Of the API. */
  readonly http: HttpCounts;
  readonly storeWrites: StoreWrites;
  /** Null: there is no store file. */
  readonly storeBytes: (() => number) | null;
  readonly looks: Looks;
  /** Null: there is no `wg` behind the device. */
  readonly wgRuns: WgRuns | null;
  /** Null: there is no such interface now. */
  readonly traffic: () => InterfaceTraffic | null;
}

/** All families over these sources. */
export function createFamilies(sources: MetricSources): readonly Family[] {
  return [
    ...nodeFamilies(sources),
    ...peerFamilies(sources),
    ...writerFamilies(sources),
    ...storeFamilies(sources),
    ...deviceFamilies(sources),
    ...httpFamilies(sources),
  ];
}

function nodeFamilies({ node, service }: MetricSources): readonly Family[] {
  return [
    {
      name: 'wgkeeper_build_info',
      help: 'Always 1; the labels tell the versions of the program and of Node.js.',
      type: 'gauge',
      samples: () => [
        { labels: { version: service.version, node_version: process.version }, value: 1, suffix: '' },
      ],
    },
    gauge('wgkeeper_ready', '1 while /readyz answers 200, 0 while it answers 503.', () =>
      flag(node.health() === 'ok'),
    ),
    gauge(
      'wgkeeper_store_healthy',
      '0 while changes are refused since the peer store can not be written, else 1.',
      () => flag(node.storeHealthy()),
    ),
    gauge(
      'wgkeeper_device_healthy',
      '1 while the WireGuard interface is up, can be read and changed, and has had all peers since the start, else 0.',
      () => flag(node.deviceHealthy()),
    ),
  ];
}

function peerFamilies({ node }: MetricSources): readonly Family[] {
  const { table } = node;
  return [
    gauge(
      'wgkeeper_peers_possible',
      'Peers that the subnets have addresses for, taken or not; of two subnets, the smaller one.',
      () => node.pools.possible,
    ),
    gauge('wgkeeper_peers_issued', 'Peers that the node has now.', () => table.size),
    gauge(
      'wgkeeper_peers_active',
      'Peers with a handshake within the 190 seconds before the interface was last read.',
      () => table.active,
    ),
    gauge(
      'wgkeeper_peers_stale',
      'Peers without a handshake within the 190 seconds before the interface was last read, those never seen included.',
      () => table.size - table.active,
    ),
  ];
}

function writerFamilies({ node }: MetricSources): readonly Family[] {
  const { counts } = node;
  return [
    counters(
      'wgkeeper_operations_total',
      'Operations since the process started, by result, ok or the error code: create, rotate and delete that callers asked for, expire for each peer, repair for each time the interface was made right.',
      () =>
        [...counts.operations.counts()].map(([operation, result, count]) => [{ operation, result }, count]),
    ),
    histograms(
      'wgkeeper_operation_duration_seconds',
      'Time of operations with result ok: from arrival to answer where a caller asked, else from start to end.',
      () => [...counts.operations.durations].map(([operation, times]) => [{ operation }, times]),
    ),
    histograms(
      'wgkeeper_batch_commands',
      'How many commands of callers each batch had; those of a batch share one store write and one change of the interface.',
      () => [[{}, counts.batches]],
    ),
    gauge('wgkeeper_queue_length', 'Commands of callers that are in no batch yet.', () => node.queueLength()),
    counters(
      'wgkeeper_drift_repairs_total',
      'Peers that the interface lacked or had otherwise and that were put on it, those at the start included, and keys that were removed from it since they were no peer of the node.',
      () => [
        [{ action: 'put' }, counts.peersPutBack],
        [{ action: 'remove' }, counts.keysRemoved],
      ],
    ),
    gauge(
      'wgkeeper_unknown_peers',
      'Peers that the node does not know and leaves on the interface as configured, when it last compared all of them.',
      () => counts.unknownKeys,
    ),
  ];
}

function storeFamilies({ storeWrites, storeBytes }: MetricSources): readonly Family[] {
  return [
    counters(
      'wgkeeper_store_writes_total',
      'Writes of the peer store that were asked for since the process started: a batch of changes, or the whole; result is ok or failed.',
      () => [...storeWrites.counts()].map(([kind, result, count]) => [{ kind, result }, count]),
    ),
    histograms(
      'wgkeeper_store_write_duration_seconds',
      'Time of writes of the peer store with result ok, flush included.',
      () => [...storeWrites.durations].map(([kind, times]) => [{ kind }, times]),
    ),
    ...(storeBytes === null
      ? []
      : [gauge('wgkeeper_store_bytes', 'Size of the file of the peer store.', storeBytes)]),
  ];
}

function deviceFamilies({ looks, wgRuns, traffic }: MetricSources): readonly Family[] {
  return [
    counters(
      'wgkeeper_device_looks_total',
      'Readings of the whole interface since the process started, by result, ok or what went wrong.',
      () => [...looks.counts.counts()].map(([, result, count]) => [{ result }, count]),
    ),
    histograms(
      'wgkeeper_device_look_duration_seconds',
      'Time of readings of the whole interface with result ok.',
      () => [...looks.counts.durations.values()].map((times) => [{}, times]),
    ),
    gauge(
      'wgkeeper_device_look_age_seconds',
      'Time since the last good reading of the interface began; absent: there was none.',
      () => {
        const ageMs = looks.ageMs();
        return ageMs === null ? null : ageMs / 1_000;
      },
    ),
    counter(
      'wgkeeper_interface_receive_bytes_total',
      'Bytes that came through the interface since it was made, as the kernel counts them.',
      () => traffic()?.receiveBytes ?? null,
    ),
    counter(
      'wgkeeper_interface_transmit_bytes_total',
      'Bytes that left through the interface since it was made, as the kernel counts them.',
      () => traffic()?.transmitBytes ?? null,
    ),
    ...(wgRuns === null ? [] : wgFamilies(wgRuns)),
  ];
}

function wgFamilies(wgRuns: WgRuns): readonly Family[] {
  return [
    counters(
      'wgkeeper_wg_runs_total',
      'Runs of the wg command since the process started, by result, ok or what went wrong.',
      () => [...wgRuns.counts()].map(([command, result, count]) => [{ command, result }, count]),
    ),
    histograms('wgkeeper_wg_run_duration_seconds', 'Time of runs of the wg command with result ok.', () =>
      [...wgRuns.durations].map(([command, times]) => [{ command }, times]),
    ),
  ];
}

function httpFamilies({ http }: MetricSources): readonly Family[] {
  return [
    counters(
      'wgkeeper_http_requests_total',
      'Requests to the API that were answered since the process started, refused ones included; route none: nothing is there under that method.',
      () =>
        [...http.requests()].map(({ method, route, statusClass, count }) => [
          { method, route: route ?? 'none', status: `${statusClass}xx` },
          count,
        ]),
    ),
    counters(
      'wgkeeper_http_refusals_total',
      'Requests to the API that were refused before they reached an operation, by error code.',
      () => [...http.refusals()].map(([code, count]) => [{ code }, count]),
    ),
    counter(
      'wgkeeper_http_request_body_bytes_total',
      'Bytes of request bodies that the API took.',
      () => http.requestBodyBytes,
    ),
    counter(
      'wgkeeper_http_response_body_bytes_total',
      'Bytes of response bodies that the API handed to the system.',
      () => http.responseBodyBytes,
    ),
    gauge('wgkeeper_http_connections', 'Connections to the API that are open now.', () => http.connections),
    counter(
      'wgkeeper_http_connections_accepted_total',
      'Connections to the API that were taken.',
      () => http.connectionsAccepted,
    ),
    counter(
      'wgkeeper_http_connections_refused_total',
      'Connections to the API that were closed at once, since there were too many.',
      () => http.connectionsRefused,
    ),
  ];
}

function flag(value: boolean): number {
  return value ? 1 : 0;
}
