// The Dns port in memory: records by "TYPE name"; a name that is not there has none.

import { type Dns, type DnsRecord, type DnsType, err, ok } from '../../src/base/index.ts';

export class FakeDns implements Dns {
  readonly #records = new Map<string, readonly DnsRecord[] | 'broken'>();
  asked = 0;

  set(type: DnsType, name: string, records: readonly DnsRecord[] | 'broken'): void {
    this.#records.set(`${type} ${name}`, records);
  }

  async resolve(name: string, type: DnsType): ReturnType<Dns['resolve']> {
    this.asked++;
    const found = this.#records.get(`${type} ${name}`) ?? [];
    if (found !== 'broken') return ok(found);
    return err({ code: 'dns-failed', message: `Cannot look up "${name}": ETIMEOUT` });
  }
}
