// Every key of the configuration with the rule for its value alone. Rules between keys stand in config.ts.
import * as v from 'valibot';
import {
  type Address,
  type AddressFamily,
  addressBits,
  type Cidr,
  formatAddress,
  networkBase,
  parseAddress,
  parsePrefixed,
  unmapAddress,
} from '../address.ts';
import {
  interfaceNameLengthMax,
  networksMax,
  pathLengthMax,
  perPeerSeriesMax,
  secretLengthMax,
  secretLengthMin,
} from '../limits.ts';
import { fail, ok, type Result } from '../result.ts';

/** What the API key has to be, in words. */
export const apiKeyWant = `a text of ${secretLengthMin} to ${secretLengthMax} printable ASCII characters (make one with: openssl rand -hex 32)`;

/** What the metrics token has to be, in words. */
export const tokenWant = `a text of ${secretLengthMin} to ${secretLengthMax} printable ASCII characters without spaces`;

const port = wholeNumber('a port from 1 to 65535', 65535);

// Header values have no other characters, and no space at their ends.
function isApiKey(key: string): boolean {
  return isSecret(key, /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/);
}

/** Dotted keys as the documentation writes them. A key that is not here is unknown. */
export const configFields = {
  'server.port': port,
  'server.host': parsed(parseHost),
  'server.tls_cert': path('the path of a PEM certificate chain'),
  'server.tls_key': path('the path of a PEM private key'),
  'server.allowed_ips': networkList(1),
  'server.trusted_proxies': networkList(0),
  'auth.api_key': text(apiKeyWant, isApiKey),
  'auth.api_key_file': path('the path of a file that holds the API key'),
  'wireguard.interface': parsed(parseInterfaceName),
  'wireguard.listen_port': port,
  'wireguard.subnet': parsed((text) => parseSubnet(text, 'IPv4')),
  'wireguard.server_ip': parsed((text) => parseServerIp(text, 'IPv4')),
  'wireguard.subnet6': parsed((text) => parseSubnet(text, 'IPv6')),
  'wireguard.server_ip6': parsed((text) => parseServerIp(text, 'IPv6')),
  'wireguard.routing.wan_interface': parsed(parseInterfaceName),
  'wireguard.routing.backend': choice(['auto', 'nftables', 'iptables', 'none']),
  'wireguard.unknown_peers': choice(['remove', 'report']),
  'wireguard.peer_store_file': path('the path of a file', (path) => !path.endsWith('/')),
  'wireguard.backend': choice(['wg', 'memory']),
  'log.level': choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
  'metrics.port': port,
  'metrics.token': text(tokenWant, (token) => isSecret(token, /^[\x21-\x7e]+$/)),
  'metrics.token_file': path('the path of a file that holds the token'),
  'metrics.per_peer': v.boolean('true or false'),
  'metrics.per_peer_max': wholeNumber(`a whole number from 1 to ${perPeerSeriesMax}`, perPeerSeriesMax),
} as const;

/** A key as the documentation writes it: `server.port`. */
export type ConfigKey = keyof typeof configFields;

/** What a key's value is once it is right. */
export type ConfigValue<Key extends ConfigKey> = v.InferOutput<(typeof configFields)[Key]>;

/** Keys whose values are never shown. A path to a secret counts: the secret itself gets pasted there. */
export const secretKeys: ReadonlySet<ConfigKey> = new Set([
  'auth.api_key',
  'auth.api_key_file',
  'metrics.token',
  'metrics.token_file',
  'server.tls_key',
] as const);

/** What is wrong with one value: where in it (empty: all of it), the part that is wrong, and what is wanted. */
export interface FieldProblem {
  readonly at: readonly (string | number)[];
  readonly got: unknown;
  readonly want: string;
}

/** Holds a value against the rule of its key. */
export function parseField<Key extends ConfigKey>(
  key: Key,
  value: unknown,
): Result<ConfigValue<Key>, readonly FieldProblem[]> {
  const parsed = v.safeParse(configFields[key], value, { abortPipeEarly: true });
  if (parsed.success) return ok(parsed.output as ConfigValue<Key>);
  return fail(
    parsed.issues.map((issue) => ({
      at: (issue.path ?? []).map((item) => item.key as string | number),
      got: issue.input,
      want: issue.message,
    })),
  );
}

/** A number from 1 up, or the same as a text of digits, as templates and environment variables make it. */
function wholeNumber(want: string, max: number) {
  const digits = v.pipe(v.string(want), v.regex(/^[0-9]{1,6}$/, want), v.transform(Number));
  return v.pipe(
    v.union([v.number(want), digits], want),
    v.integer(want),
    v.minValue(1, want),
    v.maxValue(max, want),
  );
}

/** A text that passes a test. */
function text(want: string, test: (text: string) => boolean) {
  return v.pipe(v.string(want), v.check(test, want));
}

function isSecret(secret: string, alphabet: RegExp): boolean {
  return secret.length >= secretLengthMin && secret.length <= secretLengthMax && alphabet.test(secret);
}

function choice<const Options extends readonly string[]>(options: Options) {
  return v.picklist(options, `one of ${options.join(', ')}`);
}

function path(want: string, test: (path: string) => boolean = () => true) {
  // Control characters are refused because a pasted PEM text has line ends, and a NUL would cut the path short.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the point
  return text(want, (path) => /^[^\x00-\x1f\x7f]+$/.test(path) && path.length <= pathLengthMax && test(path));
}

/** A text that a parser turns into a value; the parser's failure is what is wanted instead. */
function parsed<Value>(parse: (text: string) => Result<Value, string>) {
  const wantOfNothing = parse('');
  return v.pipe(
    v.string(wantOfNothing.ok ? 'a text' : wantOfNothing.failure),
    v.rawTransform<string, Value>(({ dataset, addIssue, NEVER }) => {
      const result = parse(dataset.value);
      if (result.ok) return result.value;
      addIssue({ message: result.failure });
      return NEVER;
    }),
  );
}

function networkList(lengthMin: 0 | 1) {
  const want = `a list of ${lengthMin} to ${networksMax} IP addresses or networks`;
  return v.pipe(
    v.array(parsed(parseNetwork), want),
    v.minLength(lengthMin, 'at least one address or network, or the key left out'),
    v.maxLength(networksMax, want),
  );
}

function parseHost(text: string): Result<string, string> {
  const address = parseAddress(text);
  return address === null ? fail('an IPv4 or IPv6 address to bind') : ok(formatAddress(address));
}

/** An interface name as the kernel takes it, and without anything that a rule, an option or a path could trip over. */
function parseInterfaceName(text: string): Result<string, string> {
  const fits = text.length <= interfaceNameLengthMax && /^[A-Za-z0-9_.][A-Za-z0-9_.-]*$/.test(text);
  if (fits && text !== '.' && text !== '..') return ok(text);
  return fail(
    `an interface name: 1 to ${interfaceNameLengthMax} of letters, digits, "-", "_" and ".", not "." or "..", no "-" first`,
  );
}

function parseSubnet(text: string, family: AddressFamily): Result<Cidr, string> {
  const prefixMax = addressBits(family) - 2;
  const parsed = parsePrefixed(text);
  if (parsed === null || parsed.address.family !== family || parsed.prefix > prefixMax) {
    return fail(`an ${family} network with a prefix of at most ${prefixMax}`);
  }
  return wholeNetwork(parsed.address, parsed.prefix);
}

function parseServerIp(text: string, family: AddressFamily): Result<Address, string> {
  const address = parseAddress(text);
  return address?.family === family ? ok(address) : fail(`an ${family} address inside the subnet`);
}

/** An address alone is the network of itself. IPv4 written as IPv4-mapped IPv6 becomes IPv4, as clients are compared. */
function parseNetwork(text: string): Result<Cidr, string> {
  const address = parseAddress(text);
  const parsed = address === null ? parsePrefixed(text) : { address, prefix: addressBits(address.family) };
  if (parsed === null) return fail('an IP address or a network such as 10.0.0.0/8 or fd00::/8');
  const plain = unmapAddress(parsed.address);
  if (plain.family === parsed.address.family || parsed.prefix < 96)
    return wholeNetwork(parsed.address, parsed.prefix);
  return wholeNetwork(plain, parsed.prefix - 96);
}

function wholeNetwork(address: Address, prefix: number): Result<Cidr, string> {
  const base = networkBase(address, prefix);
  if (base === address.value) return ok({ family: address.family, base, prefix });
  const meant = formatAddress({ family: address.family, value: base });
  return fail(`the network's first address: ${meant}/${prefix}`);
}
