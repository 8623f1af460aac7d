// Questions to a running Watchkeeper over its HTTP API.

import type { Failure, Success } from '../api/index.ts';
import { err, ok, type Result } from '../base/index.ts';
import type { CommandContext, ParsedArgs } from './command.ts';

export const DEFAULT_URL = 'http://127.0.0.1:9390';
const TIMEOUT_MS = 120_000;
/** Answers to people; larger ones are better asked for in pieces. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

export interface ApiQuestion {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly method?: 'GET' | 'POST';
}

/** `--url` and `--token` (or WATCHKEEPER_URL, WATCHKEEPER_TOKEN) say whom to ask and as whom. */
export async function askServer<T>(
  context: CommandContext,
  args: ParsedArgs,
  question: ApiQuestion,
): Promise<Result<Success<T>, string>> {
  const url = (args.text('url') ?? context.env['WATCHKEEPER_URL'] ?? DEFAULT_URL).replace(/\/$/, '');
  const token = args.text('token') ?? context.env['WATCHKEEPER_TOKEN'];
  const query = new URLSearchParams(question.params).toString();
  const answer = await context.http.request({
    method: question.method ?? 'GET',
    url: `${url}${question.path}${query === '' ? '' : `?${query}`}`,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
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
