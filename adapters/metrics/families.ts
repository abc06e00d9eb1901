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
    gauge('wgkeeper_ready', 'Whether /readyz answers 200.', () => flag(node.health() === 'ok')),
    gauge('wgkeeper_store_healthy', 'Whether the peer store can be written.', () =>
      flag(node.storeHealthy()),
    ),
    gauge('wgkeeper_device_healthy', 'Whether the WireGuard interface can be read and changed.', () =>
      flag(node.deviceHealthy()),
    ),
  ];
}

function peerFamilies({ node }: MetricSources): readonly Family[] {
  const { table } = node;
  return [
    gauge('wgkeeper_peers_possible', 'Peers that the node can hold.', () => node.pools.possible),
    gauge('wgkeeper_peers_issued', 'Peers that the node has.', () => table.size),
    gauge('wgkeeper_peers_active', 'Peers with a handshake within the last 190 seconds.', () => table.active),
    gauge(
      'wgkeeper_peers_stale',
      'Peers that were never seen, or not within the last 190 seconds.',
      () => table.size - table.active,
    ),
  ];
}

function writerFamilies({ node }: MetricSources): readonly Family[] {
  const { counts } = node;
  return [
    counters(
      'wgkeeper_operations_total',
      'What was done to peers, or was not: result is ok or the error code.',
      () =>
        [...counts.operations.counts()].map(([operation, result, count]) => [{ operation, result }, count]),
    ),
    histograms(
      'wgkeeper_operation_duration_seconds',
      'Time from the arrival of an operation to its answer, of those with result ok.',
      () => [...counts.operations.durations].map(([operation, times]) => [{ operation }, times]),
    ),
    histograms(
      'wgkeeper_batch_commands',
      'Commands that shared one store write and one change of the interface.',
      () => [[{}, counts.batches]],
    ),
    gauge('wgkeeper_queue_length', 'Callers that wait for the writer.', () => node.queueLength()),
    counters(
      'wgkeeper_drift_repairs_total',
      'Peers put back on the interface, and unknown keys removed from it.',
      () => [
        [{ action: 'put' }, counts.peersPutBack],
        [{ action: 'remove' }, counts.keysRemoved],
      ],
    ),
    gauge(
      'wgkeeper_unknown_peers',
      'Peers on the interface that the node does not know and leaves there, as configured.',
      () => counts.unknownKeys,
    ),
  ];
}

function storeFamilies({ storeWrites, storeBytes }: MetricSources): readonly Family[] {
  return [
    counters(
      'wgkeeper_store_writes_total',
      'Writes of the peer store: a batch of changes, or the whole.',
      () => [...storeWrites.counts()].map(([kind, result, count]) => [{ kind, result }, count]),
    ),
    histograms(
      'wgkeeper_store_write_duration_seconds',
      'Time of store writes with result ok, flush included.',
      () => [...storeWrites.durations].map(([kind, times]) => [{ kind }, times]),
    ),
    ...(storeBytes === null ? [] : [gauge('wgkeeper_store_bytes', 'Size of the peer store.', storeBytes)]),
  ];
}

function deviceFamilies({ looks, wgRuns, traffic }: MetricSources): readonly Family[] {
  return [
    counters(
      'wgkeeper_device_looks_total',
      'Readings of the whole interface: result is ok or what went wrong.',
      () => [...looks.counts.counts()].map(([, result, count]) => [{ result }, count]),
    ),
    histograms('wgkeeper_device_look_duration_seconds', 'Time of readings with result ok.', () =>
      [...looks.counts.durations.values()].map((times) => [{}, times]),
    ),
    gauge('wgkeeper_device_look_age_seconds', 'Time since the last good reading began.', () => {
      const ageMs = looks.ageMs();
      return ageMs === null ? null : ageMs / 1_000;
    }),
    counter(
      'wgkeeper_interface_receive_bytes_total',
      'Bytes that came through the interface.',
      () => traffic()?.receiveBytes ?? null,
    ),
    counter(
      'wgkeeper_interface_transmit_bytes_total',
      'Bytes that left through the interface.',
      () => traffic()?.transmitBytes ?? null,
    ),
    ...(wgRuns === null ? [] : wgFamilies(wgRuns)),
  ];
}

function wgFamilies(wgRuns: WgRuns): readonly Family[] {
  return [
    counters('wgkeeper_wg_runs_total', 'Runs of the wg command.', () =>
      [...wgRuns.counts()].map(([command, result, count]) => [{ command, result }, count]),
    ),
    histograms('wgkeeper_wg_run_duration_seconds', 'Time of runs of the wg command with result ok.', () =>
      [...wgRuns.durations].map(([command, times]) => [{ command }, times]),
    ),
  ];
}

function httpFamilies({ http }: MetricSources): readonly Family[] {
  return [
    counters('wgkeeper_http_requests_total', 'Requests to the API that were answered.', () =>
      [...http.requests()].map(({ method, route, statusClass, count }) => [
        { method, route: route ?? 'none', status: `${statusClass}xx` },
        count,
      ]),
    ),
    counters('wgkeeper_http_refusals_total', 'Requests that no operation was asked for, by error code.', () =>
      [...http.refusals()].map(([code, count]) => [{ code }, count]),
    ),
    counter(
      'wgkeeper_http_request_body_bytes_total',
      'Bytes of request bodies.',
      () => http.requestBodyBytes,
    ),
    counter(
      'wgkeeper_http_response_body_bytes_total',
      'Bytes of response bodies.',
      () => http.responseBodyBytes,
    ),
    gauge('wgkeeper_http_connections', 'Connections that are open.', () => http.connections),
    counter(
      'wgkeeper_http_connections_accepted_total',
      'Connections that were taken.',
      () => http.connectionsAccepted,
    ),
    counter(
      'wgkeeper_http_connections_refused_total',
      'Connections closed at once, since there were too many.',
      () => http.connectionsRefused,
    ),
  ];
}

function flag(value: boolean): number {
  return value ? 1 : 0;
}
