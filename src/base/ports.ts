// The outside world as interfaces: time, randomness, disk, network, processes, mail, log.
// The real ones live in os/, the faked ones in test/support; everything between takes them as arguments.

import type { Result } from './result.ts';

// --- time -----------------------------------------------------------------------------------------

export interface Clock {
  /** Wall time in milliseconds since the epoch. It may jump in either direction. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start. It never goes back: measure durations with it. */
  monotonicMs(): number;
  /** Calls `fire` once after `delayMs` of monotonic time. A delay below zero counts as zero. */
  after(delayMs: number, fire: () => void): Timer;
}

export interface Timer {
  /** Idempotent; a cancelled timer never fires. */
  cancel(): void;
}

// --- threads --------------------------------------------------------------------------------------

/** A thread of this process that knows nothing but what it is sent: plain data, copied. */
export interface Thread {
  /** Messages arrive in their order. */
  post(message: unknown): void;
  /** Ends it at once, whatever it is doing; resolves when it is gone. */
  end(): Promise<void>;
}

export interface ThreadListener {
  readonly onMessage: (message: unknown) => void;
  /** It has ended, by itself or by an error; nothing comes any more. */
  readonly onEnd: (cause: string) => void;
}

export type StartThread = (listener: ThreadListener) => Thread;

/** The thread's own end. */
export interface ThreadPort {
  post(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
}

// --- randomness -----------------------------------------------------------------------------------

export interface Random {
  /** Uniform in [0, 1). */
  float(): number;
  /** Uniform in [0, 2^32). */
  uint32(): number;
}

// --- disk -----------------------------------------------------------------------------------------

export type DiskErrorCode =
  | 'disk-not-found'
  | 'disk-exists'
  | 'disk-full'
  | 'disk-denied'
  | 'disk-locked'
  | 'disk-not-a-folder'
  | 'disk-io';

export interface DiskError {
  readonly code: DiskErrorCode;
  /** The operation that failed: "open", "write", … */
  readonly op: string;
  readonly path: string;
  readonly message: string;
}

/** `read`: must exist. `append`: created if missing. `create`: must not exist. `update`: must exist, read and write. */
export type OpenMode = 'read' | 'append' | 'create' | 'update';

export interface DiskStat {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface DiskSpace {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Free for an unprivileged process. */
  readonly availableBytes: number;
  readonly files: number;
  readonly filesFree: number;
}

export interface Disk {
  open(path: string, mode: OpenMode): Promise<Result<DiskFile, DiskError>>;
  readFile(path: string): Promise<Result<Uint8Array, DiskError>>;
  /** Names in a folder, sorted by code unit, without "." and "..". */
  list(path: string): Promise<Result<readonly string[], DiskError>>;
  /** Does not follow a link at the end of the path. */
  stat(path: string): Promise<Result<DiskStat, DiskError>>;
  readLink(path: string): Promise<Result<string, DiskError>>;
  space(path: string): Promise<Result<DiskSpace, DiskError>>;
  /** Creates missing parents too; an existing folder is fine. */
  makeFolder(path: string): Promise<Result<void, DiskError>>;
  rename(from: string, to: string): Promise<Result<void, DiskError>>;
  /** Removes a file, or an empty folder. */
  remove(path: string): Promise<Result<void, DiskError>>;
  /** Makes the folder's entries (creations, renames, removals) survive a loss of power. */
  syncFolder(path: string): Promise<Result<void, DiskError>>;
  /** An exclusive lock held until released or until this process ends; `disk-locked` names the holder. */
  lock(path: string): Promise<Result<DiskLock, DiskError>>;
}

export interface DiskFile {
  readonly path: string;
  sizeBytes(): Promise<Result<number, DiskError>>;
  /** Reads up to `into.length` bytes at `position`; the count may be short only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<Result<number, DiskError>>;
  /** Writes all bytes at `position`, or at the end when it is left out. A failure may leave a torn tail. */
  write(bytes: Uint8Array, position?: number): Promise<Result<void, DiskError>>;
  truncate(sizeBytes: number): Promise<Result<void, DiskError>>;
  /** fdatasync: what was written before survives a loss of power (the entry in the folder needs syncFolder). */
  sync(): Promise<Result<void, DiskError>>;
  close(): Promise<Result<void, DiskError>>;
}

export interface DiskLock {
  release(): Promise<void>;
}

// --- network --------------------------------------------------------------------------------------

export type HttpErrorCode =
  | 'http-refused'
  | 'http-dns'
  | 'http-timeout'
  | 'http-reset'
  | 'http-tls'
  | 'http-body-too-large'
  | 'http-bad-encoding'
  | 'http-bad-url'
  | 'http-aborted'
  | 'http-protocol';

export interface HttpError {
  readonly code: HttpErrorCode;
  readonly message: string;
}

export interface HttpTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly insecureSkipVerify?: boolean;
  readonly minVersion?: 'TLS10' | 'TLS11' | 'TLS12' | 'TLS13';
  readonly maxVersion?: 'TLS10' | 'TLS11' | 'TLS12' | 'TLS13';
}

export interface HttpProxy {
  readonly url?: string;
  /** Hosts that are asked directly, in the notation of NO_PROXY; "" for none. */
  readonly noProxy: string;
  /** HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment decide instead. */
  readonly fromEnvironment: boolean;
  /** For the proxy itself. */
  readonly connectHeaders: Readonly<Record<string, string>>;
}

/** Where the token of a request comes from, and how it is asked for. */
export interface HttpOauth2 {
  readonly grantType: 'client_credentials' | 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  readonly clientId: string;
  readonly clientSecret: string;
  /** PEM; for the grant by a signed token only. */
  readonly certificateKey?: string;
  readonly certificateKeyId: string;
  readonly signatureAlgorithm: 'RS256' | 'RS384' | 'RS512';
  /** "" takes the client's id, or the token's URL. */
  readonly issuer: string;
  readonly audience: string;
  readonly claims: Readonly<Record<string, string>>;
  readonly scopes: readonly string[];
  readonly tokenUrl: string;
  readonly endpointParams: Readonly<Record<string, string>>;
  readonly tls?: HttpTls;
  readonly proxy?: HttpProxy;
  readonly headers: Readonly<Record<string, string>>;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Of the whole exchange, from connect to the last byte of the body. */
  readonly timeoutMs: number;
  /** Of the body after decompression; more is `http-body-too-large`. */
  readonly bodyBytesMax: number;
  readonly followRedirects?: boolean;
  readonly tls?: HttpTls;
  readonly proxy?: HttpProxy;
  /** The request carries a token of it; only to the host that it is for, not to where a redirect leads. */
  readonly oauth2?: HttpOauth2;
  /**
   * Takes the body of an answer of status 200, before `request` resolves to it with an empty one. The bytes lie in memory
   * that is used again once this returns: for callers that read a body and forget it, which costs them no garbage.
   */
  readonly takeBody?: (body: Uint8Array, answer: Pick<HttpResponse, 'headers'>) => void;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decompressed (gzip, deflate, br). */
  readonly body: Uint8Array;
  /** Bytes of the body as they came over the wire. */
  readonly wireBytes: number;
}

export interface Http {
  /** Connections are kept alive between requests. Any HTTP status is an `ok` result. */
  request(request: HttpRequest, signal?: AbortSignal): Promise<Result<HttpResponse, HttpError>>;
  /** Loads what sending needs, so that a first request that matters neither waits for it nor needs the disk for it. */
  prepare?(): void;
}

export type DnsType = 'A' | 'AAAA' | 'SRV' | 'MX' | 'NS';

export interface DnsRecord {
  /** The address, or the host that the record names. */
  readonly name: string;
  /** Of a SRV record. */
  readonly port?: number;
}

export interface DnsError {
  readonly code: 'dns-failed';
  readonly message: string;
}

export interface Dns {
  /** Records of a name, perhaps completed by the system's search domains. A name without any has none: that is no error. */
  resolve(name: string, type: DnsType): Promise<Result<readonly DnsRecord[], DnsError>>;
}

export interface ServerRequest {
  readonly method: string;
  /** Decoded path without the query, beginning with "/". */
  readonly path: string;
  /** Raw text after "?", "" if none. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly remoteAddress: string;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** Reads and decompresses the whole body. */
  body(bytesMax: number): Promise<Result<Uint8Array, HttpError>>;
  /** The same as it came: for encodings that are not HTTP's usual ones. Its memory is lent until the handler has answered. */
  rawBody(bytesMax: number): Promise<Result<Uint8Array, HttpError>>;
}

export interface ServerResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * An async iterable is streamed, chunk by chunk, with backpressure (server-sent events, large answers). One that cannot
   * be brought to its end returns `CUT_OFF`: the connection breaks then, so that nobody takes a part for the whole.
   */
  readonly body: Uint8Array | string | AsyncIterable<Uint8Array | string>;
}

/** What a stream returns that ends before its end. */
export const CUT_OFF = 'cut-off';

export type ServerHandler = (request: ServerRequest) => Promise<ServerResponse>;

export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly tls?: ServerTls;
}

/**
 * Whether clients are asked for a certificate (`request`), need one (`require`), and whether it is verified. What is not
 * verified proves nothing: anybody can make such a certificate.
 */
export type ClientCertificates = 'none' | 'request' | 'require' | 'verify-if-given' | 'require-and-verify';

export interface ServerTls {
  /** PEM; what follows the first certificate is its chain. */
  readonly cert: string;
  readonly key: string;
  readonly clientCa?: string;
  /** Absent: `require-and-verify` where there is a `clientCa`, else `none`. */
  readonly clientCertificates?: ClientCertificates;
  /** One of them must be a subject alternative name of the client's certificate: nobody has one of none. Absent: any will do. */
  readonly clientNames?: readonly string[];
  readonly minVersion?: HttpTls['minVersion'];
  readonly maxVersion?: HttpTls['maxVersion'];
  /** Up to TLS 1.2, by OpenSSL's names and in the order of preference; those of TLS 1.3 are always there. */
  readonly ciphers?: readonly string[];
  /** By OpenSSL's names. */
  readonly curves?: readonly string[];
  /** Whose order of ciphers counts; the server's when absent. */
  readonly cipherOrder?: 'server' | 'client';
}

export interface HttpListener {
  readonly host: string;
  readonly port: number;
  /**
   * Looks whether the settings will do; the result puts them in force, for connections from then on. Only where it listens with
   * TLS.
   */
  prepareTls(tls: ServerTls): Result<() => void, { code: 'listen-failed'; message: string }>;
  /** Stops accepting, ends open streams, resolves when all connections are closed or after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export interface HttpServer {
  listen(
    options: ListenOptions,
    handler: ServerHandler,
  ): Promise<Result<HttpListener, { code: 'listen-failed'; message: string }>>;
}

// --- mail -----------------------------------------------------------------------------------------

export interface MailMessage {
  readonly server: {
    readonly host: string;
    readonly port: number;
    /** Name said in EHLO. */
    readonly hello?: string;
    /** `starttls-required` refuses to go on without; `implicit` is TLS from the first byte (port 465). */
    readonly security: 'none' | 'starttls-if-offered' | 'starttls-required' | 'implicit';
    readonly tls?: HttpTls;
    /** `cram-md5` answers a challenge with the password as the secret; else the server's first offer is taken. */
    readonly auth?: { readonly username: string; readonly password: string; readonly method?: 'cram-md5' };
  };
  readonly from: string;
  readonly to: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly subject: string;
  readonly text?: string;
  readonly html?: string;
  readonly timeoutMs: number;
}

export interface MailError {
  readonly code:
    | 'mail-connect'
    | 'mail-timeout'
    | 'mail-tls'
    | 'mail-auth'
    | 'mail-rejected'
    | 'mail-temporary'
    | 'mail-protocol';
  /** The SMTP reply code where the server gave one. */
  readonly replyCode?: number;
  readonly message: string;
}

export interface Mail {
  /** `ok` holds the server's own answer to the message ("250 2.0.0 Ok: queued as …"). */
  send(message: MailMessage, signal?: AbortSignal): Promise<Result<string, MailError>>;
  /** As that of `Http`. */
  prepare?(): void;
}

// --- processes ------------------------------------------------------------------------------------

export interface ExecRequest {
  /** Program and arguments: no shell ever sees them. */
  readonly argv: readonly [string, ...string[]];
  /** The whole environment of the child: nothing is inherited but what is listed here. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: Uint8Array;
  /** After this the child's process group gets SIGTERM, and `killGraceMs` later SIGKILL. */
  readonly timeoutMs: number;
  readonly killGraceMs: number;
  /** Of stdout and of stderr each; what is beyond is read and thrown away. */
  readonly outputBytesMax: number;
}

export interface ExecResult {
  /** Undefined when a signal ended it. */
  readonly exitCode?: number;
  readonly signal?: string;
  readonly timedOut: boolean;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly truncated: boolean;
  readonly durationMs: number;
}

export interface ExecError {
  readonly code: 'exec-not-found' | 'exec-denied' | 'exec-failed' | 'exec-aborted';
  readonly message: string;
}

export interface Exec {
  run(request: ExecRequest, signal?: AbortSignal): Promise<Result<ExecResult, ExecError>>;
}

// --- log ------------------------------------------------------------------------------------------

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  log(level: LogLevel, message: string, fields?: LogFields): void;
}
