// http_sd_configs: an endpoint that answers with target groups, asked again and again. A bad answer keeps the last groups.

import type { HttpRequest, Timer } from '../../base/index.ts';
import {
  type HttpClientSettings,
  type HttpDiscovery,
  httpClientOf,
  httpDiscoverySchema,
  requestPartsOf,
} from '../../config/index.ts';
import { parseGroups } from '../groups.ts';
import type { DiscoveryKind, DiscoveryPorts, TargetGroup } from '../kind.ts';

/** Prometheus's defaults. */
const REFRESH_MS_DEFAULT = 60_000;
const TIMEOUT_MS = 60_000;
/** Some 100,000 targets with labels. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;

class HttpWatch {
  readonly #url: string;
  readonly #refreshMs: number;
  readonly #client: HttpClientSettings;
  readonly #ports: DiscoveryPorts;
  readonly #onGroups: (groups: readonly TargetGroup[]) => void;
  readonly #stopping = new AbortController();
  #timer: Timer | undefined;
  #said = '';
  #shown: string | undefined;

  constructor(
    settings: HttpDiscovery,
    ports: DiscoveryPorts,
    onGroups: (groups: readonly TargetGroup[]) => void,
  ) {
    this.#url = settings.url ?? '';
    this.#refreshMs = settings.refresh_interval ?? REFRESH_MS_DEFAULT;
    this.#client = httpClientOf(settings);
    this.#ports = ports;
    this.#onGroups = onGroups;
  }

  async ask(): Promise<void> {
    const { http, clock, log } = this.#ports;
    const answer = await http.request(this.#request(), this.#stopping.signal);
    if (this.#stopping.signal.aborted) return;
    let problem = '';
    if (!answer.ok) problem = answer.error.message;
    else if (answer.value.status !== 200) problem = `server returned HTTP status ${answer.value.status}`;
    else if (!/^\s*application\/json\s*(;|$)/i.test(answer.value.headers['content-type'] ?? ''))
      problem = `content type "${answer.value.headers['content-type'] ?? ''}", application/json expected`;
    else {
      const read = parseGroups(new TextDecoder().decode(answer.value.body), `${this.#url}.json`);
      if (read.ok) this.#show(read.value);
      else problem = read.error;
    }
    if (problem !== '' && problem !== this.#said) {
      log.log('error', 'Cannot read target groups: those of before stay', { url: this.#url, cause: problem });
    }
    this.#said = problem;
    this.#timer = clock.after(this.#refreshMs, () => void this.ask());
  }

  stop(): void {
    this.#stopping.abort();
    this.#timer?.cancel();
  }

  #show(groups: readonly TargetGroup[]): void {
    const shown = groups.map(group => ({ ...group, labels: { ...group.labels, __meta_url: this.#url } }));
    const text = JSON.stringify(shown);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#onGroups(shown);
  }

  #request(): HttpRequest {
    const { headers, ...parts } = requestPartsOf(this.#client);
    return {
      method: 'GET',
      url: this.#url,
      headers: {
        accept: 'application/json',
        'x-prometheus-refresh-interval-seconds': String(this.#refreshMs / 1000),
        ...headers,
      },
      timeoutMs: TIMEOUT_MS,
      bodyBytesMax: BODY_BYTES_MAX,
      ...parts,
    };
  }
}

export const httpKind: DiscoveryKind = {
  key: 'http_sd_configs',
  schema: httpDiscoverySchema,
  carriedOut: true,
  start(settings, ports, onGroups) {
    // The registry hands back what `schema` made: the one place where the type is known again.
    const watch = new HttpWatch(settings as HttpDiscovery, ports, onGroups);
    void watch.ask();
    return { stop: () => watch.stop() };
  },
};
