// One request to a provider, with what every channel's request has.

import type { HttpError, HttpResponse, Result } from '../base/index.ts';
import { ATTEMPT_MS, ATTEMPT_MS_MAX, type ChannelPorts, type Message } from './channel.ts';
import type { HttpClient } from './client.ts';

/** Of an answer; only its beginning is kept as the provider's own words. */
const ANSWER_BYTES_MAX = 64 * 1024;
const encoder = new TextEncoder();

export interface ProviderRequest {
  readonly ports: Pick<ChannelPorts, 'http'>;
  readonly url: string;
  /** JSON text, which goes by POST; undefined: a GET. */
  readonly body: string | undefined;
  readonly client: HttpClient | undefined;
  /** Names in lower case; they come before those of the settings. */
  readonly headers?: Readonly<Record<string, string>>;
  /** 0: the usual limit. */
  readonly timeoutMs: number;
}

export function askProvider(
  asked: ProviderRequest,
  signal: AbortSignal,
): Promise<Result<HttpResponse, HttpError>> {
  const { client, body, timeoutMs } = asked;
  return asked.ports.http.request(
    {
      method: body === undefined ? 'GET' : 'POST',
      url: asked.url,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        'user-agent': 'Watchkeeper',
        ...client?.headers,
        ...asked.headers,
      },
      ...(body === undefined ? {} : { body: encoder.encode(body) }),
      timeoutMs: Math.min(timeoutMs === 0 ? ATTEMPT_MS : timeoutMs, ATTEMPT_MS_MAX),
      bodyBytesMax: ANSWER_BYTES_MAX,
      followRedirects: client?.followRedirects ?? true,
      ...(client?.tls === undefined ? {} : { tls: client.tls }),
      ...(client?.proxy === undefined ? {} : { proxy: client.proxy }),
      ...(client?.oauth2 === undefined ? {} : { oauth2: client.oauth2 }),
    },
    signal,
  );
}

/** Our own marks as headers, where the body is not ours to change. */
export function markHeaders(message: Message): Readonly<Record<string, string>> {
  return {
    ...(message.job.possibleRepeat ? { 'x-watchkeeper-possible-repeat': 'true' } : {}),
    ...(message.isTest ? { 'x-watchkeeper-test': 'true' } : {}),
    'x-watchkeeper-job': message.job.id,
  };
}
