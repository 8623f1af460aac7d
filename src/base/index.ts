// base/: what everything else stands on. Imports nothing.

export { assert, expectOk, never } from './assert.ts';
export { CODES, type Code } from './codes.ts';
export { copyFile } from './copy-file.ts';
export { makeTables, sliced } from './crc-tables.ts';
export { crc32c } from './crc32c.ts';
export { formatDuration, parseDuration } from './duration.ts';
export type {
  ClientCertificates,
  Clock,
  Disk,
  DiskError,
  DiskErrorCode,
  DiskFile,
  DiskLock,
  DiskSpace,
  DiskStat,
  Dns,
  DnsError,
  DnsRecord,
  DnsType,
  Exec,
  ExecError,
  ExecRequest,
  ExecResult,
  Http,
  HttpError,
  HttpErrorCode,
  HttpListener,
  HttpOauth2,
  HttpProxy,
  HttpRequest,
  HttpResponse,
  HttpServer,
  HttpTls,
  ListenOptions,
  Log,
  LogFields,
  LogLevel,
  Mail,
  MailError,
  MailMessage,
  OpenMode,
  Random,
  ServerHandler,
  ServerRequest,
  ServerResponse,
  ServerTls,
  StartThread,
  Thread,
  ThreadListener,
  ThreadPort,
  Timer,
} from './ports.ts';
export { CUT_OFF } from './ports.ts';
export { type Err, err, type Ok, ok, type Result } from './result.ts';
export { type Backoff, backoffMs, mayPass, retryAfterMs } from './retry.ts';
export { atOnce, inTurns, type Lane, nextLane, type Pace, sortInTurns, Turns, type Work } from './turns.ts';
export { compareUtf8 } from './utf8.ts';
export { sleep, withDeadline } from './wait.ts';
