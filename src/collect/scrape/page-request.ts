// The HTTP side of a scrape: what is asked, and whether the answer is a page that can be read.

import type { HttpRequest, HttpResponse } from '../../base/index.ts';
import { formatFailure, formatFloat } from '../../exposition/index.ts';
import type { ScrapeTarget } from '../../model/index.ts';
import { BODY_BYTES_DEFAULT, type ScrapeAuth, type ScrapeJob } from './job.ts';

/** Only formats that are read: a server with a choice must not send OpenMetrics or protobuf. */
export const ACCEPT =
  'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';

export function pageRequest(target: ScrapeTarget, job: ScrapeJob, version: string): HttpRequest {
  return {
    method: 'GET',
    url: target.url,
    headers: {
      accept: ACCEPT,
      'accept-encoding': job.enableCompression ? 'gzip' : 'identity',
      'user-agent': `Watchkeeper/${version}`,
      'x-prometheus-scrape-timeout-seconds': formatFloat(target.timeoutMs / 1000),
      ...authHeader(job.auth),
      ...target.headers,
    },
    timeoutMs: target.timeoutMs,
    bodyBytesMax: target.bodyBytesMax > 0 ? target.bodyBytesMax : BODY_BYTES_DEFAULT,
    followRedirects: job.followRedirects,
    ...(job.tls === undefined ? {} : { tls: job.tls }),
    ...(job.proxyUrl === undefined ? {} : { proxyUrl: job.proxyUrl }),
  };
}

/** Why an answer is not a page of the text format, or "". A server that names no type or an odd one is believed. */
export function responseProblem(response: HttpResponse): string {
  if (response.status !== 200) return `server returned HTTP status ${response.status}`;
  const contentType = response.headers['content-type'] ?? '';
  const mediaType = (contentType.split(';')[0] ?? '').trim().toLowerCase();
  const unread =
    mediaType === 'application/openmetrics-text' || mediaType === 'application/vnd.google.protobuf';
  return unread ? formatFailure(contentType).message : '';
}

function authHeader(auth: ScrapeAuth): Readonly<Record<string, string>> {
  switch (auth.kind) {
    case 'none':
      return {};
    case 'basic': {
      const pair = `${auth.username}:${auth.password.reveal()}`;
      return { authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}` };
    }
    case 'header':
      return { authorization: `${auth.type} ${auth.credentials.reveal()}` };
  }
}
