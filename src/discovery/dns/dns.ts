// dns_sd_configs: names whose records are the targets, asked for again and again. A name that cannot be looked up keeps
// its last targets; one that does not exist has none.

import type { DnsRecord, DnsType, Timer } from '../../base/index.ts';
import { type DnsDiscovery, dnsDiscoverySchema } from '../../config/index.ts';
import type { DiscoveryKind, DiscoveryPorts, TargetGroup } from '../kind.ts';

/** Prometheus's default. */
const REFRESH_MS_DEFAULT = 30_000;

class DnsWatch {
  readonly #names: readonly string[];
  readonly #type: DnsType;
  readonly #port: number;
  readonly #refreshMs: number;
  readonly #ports: DiscoveryPorts;
  readonly #onGroups: (groups: readonly TargetGroup[]) => void;
  readonly #groups = new Map<string, TargetGroup>();
  /** What was said last about each name, so that it is said once. */
  readonly #said = new Map<string, string>();
  #shown = '';
  #timer: Timer | undefined;
  #stopped = false;

  constructor(
    settings: DnsDiscovery,
    ports: DiscoveryPorts,
    onGroups: (groups: readonly TargetGroup[]) => void,
  ) {
    this.#names = settings.names ?? [];
    this.#type = (settings.type ?? 'SRV').toUpperCase() as DnsType;
    this.#port = settings.port ?? 0;
    this.#refreshMs = settings.refresh_interval ?? REFRESH_MS_DEFAULT;
    this.#ports = ports;
    this.#onGroups = onGroups;
  }

  async look(): Promise<void> {
    await Promise.all(this.#names.map(name => this.#lookUp(name)));
    if (this.#stopped) return;
    const groups = this.#names.flatMap(name => this.#groups.get(name) ?? []);
    const shown = JSON.stringify(groups);
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.#onGroups(groups);
    }
    this.#timer = this.#ports.clock.after(this.#refreshMs, () => void this.look());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #lookUp(name: string): Promise<void> {
    const found = await this.#ports.dns.resolve(name, this.#type);
    if (this.#stopped) return;
    const problem = found.ok ? '' : found.error.message;
    if (problem !== '' && problem !== this.#said.get(name))
      this.#ports.log.log('error', 'Cannot look up targets: those of before stay', { name, cause: problem });
    this.#said.set(name, problem);
    if (!found.ok) return;
    // Servers give their records in turn: another order is no news.
    const targets = found.value.map(record => this.#targetOf(name, record));
    targets.sort((a, b) => (a['__address__'] < b['__address__'] ? -1 : 1));
    this.#groups.set(name, { source: name, targets, labels: {} });
  }

  #targetOf(name: string, record: DnsRecord): Readonly<Record<string, string>> & { __address__: string } {
    const host = record.name.replace(/\.$/, '');
    const port = record.port ?? this.#port;
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    // Complete names, with the dot at their end, as Prometheus has them.
    return {
      __address__: address,
      __meta_dns_name: name,
      ...(this.#type === 'SRV'
        ? { __meta_dns_srv_record_target: `${host}.`, __meta_dns_srv_record_port: String(port) }
        : {}),
      ...(this.#type === 'MX' ? { __meta_dns_mx_record_target: `${host}.` } : {}),
      ...(this.#type === 'NS' ? { __meta_dns_ns_record_target: `${host}.` } : {}),
    };
  }
}

export const dnsKind: DiscoveryKind = {
  key: 'dns_sd_configs',
  schema: dnsDiscoverySchema,
  carriedOut: true,
  start(settings, ports, onGroups) {
    // The registry hands back what `schema` made: the one place where the type is known again.
    const watch = new DnsWatch(settings as DnsDiscovery, ports, onGroups);
    void watch.look();
    return { stop: () => watch.stop() };
  },
};
