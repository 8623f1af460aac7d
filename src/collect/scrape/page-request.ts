// The HTTP side of a scrape: what is asked.

import type { HttpRequest } from '../../base/index.ts';
import { formatFloat } from '../../exposition/index.ts';
import type { ScrapeTarget } from '../../model/index.ts';
import { BODY_BYTES_DEFAULT, type ScrapeAuth, type ScrapeJob } from './job.ts';
import { acceptHeader } from './negotiation.ts';

export function pageRequest(target: ScrapeTarget, job: ScrapeJob, version: string): HttpRequest {
  return {
    method: 'GET',
    url: target.url,
    headers: {
      accept: acceptHeader(job.scrapeProtocols, job.escaping),
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
    ...(job.proxy === undefined ? {} : { proxy: job.proxy }),
    ...(job.oauth2 === undefined ? {} : { oauth2: job.oauth2 }),
  };
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
