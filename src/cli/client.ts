// Questions to a running Watchkeeper over its HTTP API.

import type { Failure, Success } from '../api/index.ts';
import { err, ok, type Result } from '../base/index.ts';
import { resolveFrom } from '../config/index.ts';
import type { CommandContext, OptionSpec, ParsedArgs } from './command.ts';

export const DEFAULT_URL = 'http://127.0.0.1:9390';
const TIMEOUT_MS = 120_000;
/** Answers to people; larger ones are better asked for in pieces. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

export interface ApiQuestion {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly method?: 'GET' | 'POST';
}

/** What every command that asks a server takes. */
export const CLIENT_OPTIONS = {
  url: { type: 'string' },
  token: { type: 'string' },
  user: { type: 'string' },
  'ca-file': { type: 'string' },
} as const satisfies Readonly<Record<string, OptionSpec>>;

/** Whom to ask and as whom: the options, or WATCHKEEPER_URL and WATCHKEEPER_TOKEN. */
export async function askServer<T>(
  context: CommandContext,
  args: ParsedArgs,
  question: ApiQuestion,
): Promise<Result<Success<T>, string>> {
  const url = (args.text('url') ?? context.env['WATCHKEEPER_URL'] ?? DEFAULT_URL).replace(/\/$/, '');
  const headers = credentials(context, args);
  if (!headers.ok) return headers;
  const ca = await authority(context, args);
  if (!ca.ok) return ca;
  const query = new URLSearchParams(question.params).toString();
  const answer = await context.http.request({
    method: question.method ?? 'GET',
    url: `${url}${question.path}${query === '' ? '' : `?${query}`}`,
    headers: headers.value,
    ...(ca.value === undefined ? {} : { tls: { ca: ca.value } }),
    timeoutMs: TIMEOUT_MS,
    bodyBytesMax: ANSWER_BYTES_MAX,
  });
  if (!answer.ok) {
    const remedy =
      answer.error.code === 'http-refused' ? ' (is Watchkeeper running? give its address with --url)' : '';
    return err(`Cannot ask ${url}: ${answer.error.code}: ${answer.error.message}${remedy}`);
  }
  try {
    // Our own API answers with this envelope, whatever the status.
    const body = JSON.parse(new TextDecoder().decode(answer.value.body)) as Success<T> | Failure;
    return body.status === 'success' ? ok(body) : err(body.error);
  } catch {
    return err(
      `Cannot understand the answer of ${url}: status ${answer.value.status}, not JSON (is it a Watchkeeper?)`,
    );
  }
}

/** A password stands in the environment only: other people on the host can read command lines. */
function credentials(
  context: CommandContext,
  args: ParsedArgs,
): Result<Readonly<Record<string, string>>, string> {
  const user = args.text('user');
  if (user === undefined) {
    const token = args.text('token') ?? context.env['WATCHKEEPER_TOKEN'];
    return ok(token === undefined ? {} : { authorization: `Bearer ${token}` });
  }
  if (args.text('token') !== undefined)
    return err('Cannot ask with --user and --token at once: give one of them');
  const password = context.env['WATCHKEEPER_PASSWORD'];
  if (password === undefined)
    return err(
      `Cannot ask as "${user}": the environment variable WATCHKEEPER_PASSWORD with the password is not set`,
    );
  if (user.includes(':')) return err(`Cannot ask as "${user}": a name with ":" cannot be sent`);
  return ok({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });
}

/** The certificates that the server's is checked against, in place of the public ones. */
async function authority(
  context: CommandContext,
  args: ParsedArgs,
): Promise<Result<string | undefined, string>> {
  const file = args.text('ca-file');
  if (file === undefined) return ok(undefined);
  const read = await context.disk.readFile(resolveFrom(`${context.cwd}/.`, file));
  return read.ok
    ? ok(new TextDecoder().decode(read.value))
    : err(`Cannot read "${file}": ${read.error.message}`);
}
