// Every code that the API answers, with its status and sentence.

import type { ChangeFailure } from '../core/batch.ts';
import type { FailureTable } from '../core/http/contract.ts';
import { type HttpCode, httpFailures } from '../core/http/failures.ts';

/** The closed list of the API's error codes. */
export type ApiCode =
  | HttpCode
  | ChangeFailure
  | 'unknown_field'
  | 'invalid_peer_id'
  | 'invalid_expires_at'
  | 'invalid_address_families'
  | 'unsupported_address_family'
  | 'invalid_pagination'
  | 'stats_unavailable'
  | 'peers_list_unavailable'
  | 'server_info_unavailable'
  | 'diagnostics_unavailable';

export const apiFailures: FailureTable<ApiCode> = {
  ...httpFailures,
  unknown_field: { status: 400, sentence: 'The body has a field that this operation does not know.' },
  invalid_peer_id: { status: 400, sentence: 'peerId must be a UUID v4 in the 8-4-4-4-12 form.' },
  invalid_expires_at: {
    status: 400,
    sentence: 'expiresAt must be an RFC 3339 date-time with a zone, in the future.',
  },
  invalid_address_families: {
    status: 400,
    sentence: 'addressFamilies must be a list of "IPv4" and "IPv6", not empty and without duplicates.',
  },
  unsupported_address_family: {
    status: 400,
    sentence: 'This node has no subnet for one of the address families.',
  },
  invalid_pagination: {
    status: 400,
    sentence:
      'offset must be a whole number from 0 on, limit a whole number from 1 to 1000, each given once at most.',
  },
  peer_not_found: { status: 404, sentence: 'There is no peer with this id.' },
  no_available_ip: { status: 409, sentence: 'No free address is left in the subnet.' },
  wireguard_error: { status: 500, sentence: 'The WireGuard interface refused; nothing was changed.' },
  store_error: {
    status: 500,
    sentence: 'The peer store could not be written; a GET tells when it works again.',
  },
  stats_unavailable: { status: 500, sentence: 'The WireGuard interface could not be read.' },
  peers_list_unavailable: { status: 500, sentence: 'The WireGuard interface could not be read.' },
  server_info_unavailable: {
    status: 500,
    sentence: 'The public key of the WireGuard interface is not known.',
  },
  diagnostics_unavailable: { status: 500, sentence: 'The checks of this host could not be made.' },
  store_unavailable: { status: 503, sentence: 'The peer store can not be written at present.' },
  device_unavailable: { status: 503, sentence: 'The WireGuard interface is not available at present.' },
};
