// The part of uWebSockets.js that is used here, as types. The package's own types miss some of it. Imports nothing.

/** An answer under way; dead after `end`, `endWithoutBody`, `close` or the abort callback: any call then throws. */
export interface NativeResponse {
  writeStatus(status: Uint8Array | string): NativeResponse;
  writeHeader(name: string, value: string): NativeResponse;
  /** One chunk. False: the socket took not all of it and the rest is kept in memory. */
  write(chunk: Uint8Array | string): boolean;
  end(body: Uint8Array | string, closeConnection: boolean): NativeResponse;
  /** With a length other than 0 it never lets go of the connection; with an explicit undefined it does nothing. */
  endWithoutBody(length?: 0, closeConnection?: true): NativeResponse;
  close(): NativeResponse;
  cork(write: () => void): NativeResponse;
  onAborted(aborted: () => void): NativeResponse;
  /** Chunks are detached when the callback returns. */
  onData(data: (chunk: ArrayBuffer, isLast: boolean) => void): NativeResponse;
  onWritable(writable: (offset: number) => boolean): NativeResponse;
  /** 4 or 16 bytes. */
  getRemoteAddress(): ArrayBuffer;
}

/** A request's head; dead when the callback that got it returns. */
export interface NativeRequest {
  getCaseSensitiveMethod(): string;
  getUrl(): string;
  /** Undefined without a `?`. */
  getQuery(): string | undefined;
  /** Names come in lower case, repeated ones repeatedly. */
  forEach(visit: (name: string, value: string) => void): void;
}

/** A socket that accepts connections. */
export type NativeListenSocket = object;

export interface NativeApp {
  any(pattern: string, handler: (res: NativeResponse, req: NativeRequest) => void): NativeApp;
  /** Called with a positive count when a connection comes and a negative one when it goes. */
  filter(visit: (res: NativeResponse, count: number) => void): NativeApp;
  listen(port: number, options: number, done: (socket: NativeListenSocket | false) => void): NativeApp;
  listen(
    host: string,
    port: number,
    options: number,
    done: (socket: NativeListenSocket | false) => void,
  ): NativeApp;
  close(): NativeApp;
  /** Names this app to `addChildAppDescriptor` of another one. */
  getDescriptor(): number;
  /** While it has children, the app hands every connection that it accepts to one of them, in turn, and keeps none. */
  addChildAppDescriptor(descriptor: number): NativeApp;
  removeChildAppDescriptor(descriptor: number): NativeApp;
}

interface NativeTls {
  readonly key_file_name: string;
  readonly cert_file_name: string;
  readonly ssl_ciphers: string;
}

/** The module itself. */
export interface Native {
  App(options: object): NativeApp;
  SSLApp(options: NativeTls): NativeApp;
  us_listen_socket_close(socket: NativeListenSocket): void;
  us_socket_local_port(socket: NativeListenSocket): number;
  _cfg(setting: 'silent'): void;
}
