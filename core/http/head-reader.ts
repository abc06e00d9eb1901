// Copies what is needed out of a native request, in one pass over its headers, and notices framing that could smuggle a second request.
import { type KeyScheme, parseBearerToken } from './auth.ts';
import type { RequestHead } from './contract.ts';
import type { NativeRequest, NativeResponse } from './native.ts';

/** One head, used again for each request of a server: allocating one costs more than reading into it. */
export class HeadReader implements RequestHead {
  method = '';
  path = '';
  query: string | null = null;
  apiKey = '';
  requestId = '';
  contentType = '';
  contentEncoding = '';
  contentLength: number | null = null;
  forwardedFor = '';
  fromAllowed = false;
  closes = false;
  /** Whether the client says that this is its last request on the connection. */
  isLast = false;
  /** Whether it is beyond doubt where the request ends. */
  framedWell = true;

  readonly #keyScheme: KeyScheme;
  #res: NativeResponse | null = null;
  #remote: Uint8Array | null = null;
  #lengths = 0;
  #codings = 0;
  #forwardedLines = 0;

  constructor(keyScheme: KeyScheme) {
    this.#keyScheme = keyScheme;
  }

  /** Reads the head of a request. What it holds of the request before is gone. */
  read(req: NativeRequest, res: NativeResponse): void {
    const method = req.getCaseSensitiveMethod();
    // The same text, but not a new one, whose hash would have to be made to look its operation up.
    this.method = method === 'GET' ? 'GET' : method;
    this.path = req.getUrl();
    this.query = req.getQuery() ?? null;
    this.apiKey = '';
    this.requestId = '';
    this.contentType = '';
    this.contentEncoding = '';
    this.contentLength = null;
    this.forwardedFor = '';
    this.fromAllowed = false;
    this.closes = false;
    this.isLast = false;
    this.framedWell = true;
    this.#res = res;
    this.#remote = null;
    this.#lengths = 0;
    this.#codings = 0;
    this.#forwardedLines = 0;
    req.forEach(this.#visit);
    if (this.#lengths + this.#codings > 1) this.framedWell = false;
  }

  /** Lets go of the native request. */
  release(): void {
    this.#res = null;
  }

  readonly remoteAddress = (): Uint8Array => {
    if (this.#remote === null && this.#res !== null)
      this.#remote = new Uint8Array(this.#res.getRemoteAddress());
    return this.#remote ?? unspecified;
  };

  // Lengths first: most headers are told apart by that alone.
  readonly #visit = (name: string, value: string): void => {
    switch (name.length) {
      case 9:
        if (name === this.#keyScheme && this.apiKey === '') this.apiKey = value;
        break;
      case 10:
        if (name === 'connection' && /\bclose\b/i.test(value)) this.isLast = true;
        break;
      case 12:
        if (name === 'x-request-id' && this.requestId === '') this.requestId = value;
        else if (name === 'content-type' && this.contentType === '') this.contentType = value;
        break;
      case 13:
        if (name === 'authorization' && this.#keyScheme === 'bearer' && this.apiKey === '')
          this.apiKey = parseBearerToken(value);
        break;
      case 14:
        if (name === 'content-length') this.#readLength(value);
        break;
      case 15:
        if (name === 'x-forwarded-for') this.#readForwarded(value);
        break;
      case 16:
        if (name === 'content-encoding' && this.contentEncoding === '') this.contentEncoding = value;
        break;
      case 17:
        if (name === 'transfer-encoding') this.#readCoding(value);
        break;
    }
  };

  // The native parser takes an empty or repeated length, and any coding for chunked. Whoever stands in front of this
  // server may take them for something else, and would then see another end of the request (RFC 9112 section 11.2).
  #readLength(value: string): void {
    this.#lengths++;
    if (/^[0-9]{1,15}$/.test(value)) this.contentLength = Number(value);
    else this.framedWell = false;
  }

  #readCoding(value: string): void {
    this.#codings++;
    if (value.toLowerCase() !== 'chunked') this.framedWell = false;
  }

  #readForwarded(value: string): void {
    this.forwardedFor = this.#forwardedLines === 0 ? value : `${this.forwardedFor},${value}`;
    this.#forwardedLines++;
  }
}

const unspecified = new Uint8Array(4);
