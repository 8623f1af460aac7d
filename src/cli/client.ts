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
  /** A name may be there several times. */
  readonly params: Readonly<Record<string, string>> | URLSearchParams;
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Of an answer that takes its time. */
  readonly timeoutMs?: number;
}

/** What every command that asks a server takes. */
export const CLIENT_OPTIONS = {
  url: { type: 'string' },
  token: { type: 'string' },
  user: { type: 'string' },
  'ca-file': { type: 'string' },
} as const satisfies Readonly<Record<string, OptionSpec>>;

/** What the help of such a command says of them, its explanations beginning at `column`. `url`: more about the address. */
export function clientHelp({ column, url = '' }: { readonly column: number; readonly url?: string }): string {
  const options = [
    ['--url URL', `whom to ask (default: ${DEFAULT_URL}, or WATCHKEEPER_URL)${url}`],
    ['--token T', 'as whom to ask (or WATCHKEEPER_TOKEN)'],
    ['--user NAME', 'as whom to ask, with the password in WATCHKEEPER_PASSWORD'],
    ['--ca-file F', "certificates that the server's is checked against, in place of the public ones"],
  ] as const;
  return options.map(([option, says]) => `${`  ${option}`.padEnd(column)}${says}`).join('\n');
}

/** Watchkeeper's and Prometheus's routes, which have an envelope. */
export async function askServer<T>(
  context: CommandContext,
  args: ParsedArgs,
  question: ApiQuestion,
): Promise<Result<Success<T>, string>> {
  const answer = await asked(context, args, question);
  if (!answer.ok) return answer;
  const { url, status, text } = answer.value;
  try {
    // Our own API answers with this envelope, whatever the status.
    const body = JSON.parse(text) as Success<T> | Failure;
    return body.status === 'success' ? ok(body) : err(body.error);
  } catch {
    return err(`Cannot understand the answer of ${url}: status ${status}, not JSON (is it a Watchkeeper?)`);
  }
}

/** Alertmanager's API v2, which has none: T where it answers 200, undefined where that has no body. */
export async function askAlertmanager<T>(
  context: CommandContext,
  args: ParsedArgs,
  question: ApiQuestion,
): Promise<Result<T | undefined, string>> {
  const answer = await asked(context, args, question);
  if (!answer.ok) return answer;
  const { url, status, text } = answer.value;
  if (status === 200 && text === '') return ok(undefined);
  if (status === 404 && text === '') return err('not found');
  try {
    const body: unknown = JSON.parse(text);
    // The API's own description says what a 200 has.
    return status === 200 ? ok(body as T) : err(reasonOf(body));
  } catch {
    return err(
      `Cannot understand the answer of ${url}: status ${status}, not JSON (is it a Watchkeeper or an Alertmanager?)`,
    );
  }
}

/** A text, or one in an object of Alertmanager's framework or of ours. */
function reasonOf(body: unknown): string {
  if (typeof body === 'string') return body;
  const named =
    typeof body === 'object' && body !== null ? new Map<string, unknown>(Object.entries(body)) : new Map();
  return String(named.get('message') ?? named.get('error') ?? JSON.stringify(body));
}

interface Answered {
  readonly url: string;
  readonly status: number;
  readonly text: string;
}

/** Whom to ask and as whom: the options, or WATCHKEEPER_URL and WATCHKEEPER_TOKEN. */
async function asked(
  context: CommandContext,
  args: ParsedArgs,
  question: ApiQuestion,
): Promise<Result<Answered, string>> {
  const url = (args.text('url') ?? context.env['WATCHKEEPER_URL'] ?? DEFAULT_URL).replace(/\/$/, '');
  const headers = credentials(context, args);
  if (!headers.ok) return headers;
  const ca = await authority(context, args);
  if (!ca.ok) return ca;
  const query = new URLSearchParams(question.params).toString();
  const body =
    question.body === undefined ? undefined : new TextEncoder().encode(JSON.stringify(question.body));
  const answer = await context.http.request({
    method: question.method ?? 'GET',
    url: `${url}${question.path}${query === '' ? '' : `?${query}`}`,
    headers: { ...headers.value, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body }),
    ...(ca.value === undefined ? {} : { tls: { ca: ca.value } }),
    timeoutMs: question.timeoutMs ?? TIMEOUT_MS,
    bodyBytesMax: ANSWER_BYTES_MAX,
  });
  if (!answer.ok) {
    const remedy =
      answer.error.code === 'http-refused' ? ' (is Watchkeeper running? give its address with --url)' : '';
    return err(`Cannot ask ${url}: ${answer.error.code}: ${answer.error.message}${remedy}`);
  }
  return ok({ url, status: answer.value.status, text: new TextDecoder().decode(answer.value.body) });
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
