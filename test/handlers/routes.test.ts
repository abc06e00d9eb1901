// The API as a whole: which operations there are, who may call them, and what stands behind every code.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiFailures } from '../../handlers/failures.ts';
import { routes } from '../../handlers/routes.ts';

describe('the routes', () => {
  it('are these', () => {
    const shown = routes.map(
      ({ method, path, access, takesBody }) => `${method} ${path} ${access} ${takesBody}`,
    );
    assert.deepEqual(shown.sort(), [
      'DELETE /peers/:peerId key false',
      'GET /diagnostics key false',
      'GET /healthz public false',
      'GET /openapi.json key false',
      'GET /peers key false',
      'GET /peers/:peerId key false',
      'GET /readyz public false',
      'GET /stats key false',
      'POST /peers key true',
    ]);
  });
});

describe('the failures', () => {
  const statuses: Readonly<Record<number, string>> = {
    400: 'invalid_json unknown_field invalid_peer_id invalid_expires_at invalid_address_families unsupported_address_family invalid_pagination',
    401: 'unauthorized',
    403: 'forbidden',
    404: 'peer_not_found not_found',
    405: 'method_not_allowed',
    409: 'no_available_ip',
    413: 'body_too_large',
    415: 'unsupported_media_type',
    429: 'rate_limited',
    500: 'wireguard_error stats_unavailable peers_list_unavailable server_info_unavailable store_error diagnostics_unavailable internal_error',
    503: 'shutting_down overloaded store_unavailable device_unavailable',
    504: 'deadline_exceeded',
  };

  it('have these statuses, and there are no others', () => {
    const expected = Object.entries(statuses).flatMap(([status, codes]) =>
      codes.split(' ').map((code) => `${code} ${status}`),
    );
    const shown = Object.entries(apiFailures).map(([code, { status }]) => `${code} ${status}`);
    assert.deepEqual(shown.sort(), expected.sort());
  });

  it('are sentences that need no escaping beyond quotes', () => {
    for (const [code, { sentence }] of Object.entries(apiFailures)) {
      assert.match(sentence, /^[A-Za-z][\x20-\x7e]+\.$/, code);
    }
  });
});
