// The names of DNS, asked of the servers that the system names. Names that are not complete are tried with its search
// domains, as its own resolver does.

import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import {
  type Dns,
  type DnsError,
  type DnsRecord,
  type DnsType,
  err,
  ok,
  type Result,
} from '../base/index.ts';

const SYSTEM_FILE = '/etc/resolv.conf';
const TIMEOUT_MS = 5000;
const TRIES = 2;
/** As resolv.conf(5): a name with so many dots is tried as it is first. */
const NDOTS_DEFAULT = 1;

export interface DnsOptions {
  /** "address:port"; those of the system without. */
  readonly servers?: readonly string[];
  /** In the notation of resolv.conf; the system's file without. */
  readonly resolvConf?: string;
}

export function systemDns(options: DnsOptions = {}): Dns {
  return {
    async resolve(name, type) {
      const conf = options.resolvConf ?? (await readFile(SYSTEM_FILE, 'utf8').catch(() => ''));
      // A new one each time: the system's servers may have changed.
      const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
      if (options.servers !== undefined) resolver.setServers(options.servers);
      let failure: Result<never, DnsError> | undefined;
      for (const candidate of candidatesOf(name, conf)) {
        try {
          const records = await asked(resolver, candidate, type);
          if (records.length > 0) return ok(records);
        } catch (error) {
          if (!isNoSuchName(error)) failure ??= failed(name, error);
        }
      }
      // A server that did not answer may know what the others do not.
      return failure ?? ok([]);
    },
  };
}

/** Complete names to ask for, in their order. */
export function candidatesOf(name: string, resolvConf: string): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  let search: readonly string[] = [];
  let ndots = NDOTS_DEFAULT;
  for (const line of resolvConf.split('\n')) {
    const [key, ...words] = line.trim().split(/\s+/);
    if (key === 'search' || key === 'domain') search = words.map(word => word.replace(/\.$/, ''));
    if (key !== 'options') continue;
    const written = words.find(word => word.startsWith('ndots:'));
    if (written !== undefined) ndots = Number(written.slice('ndots:'.length)) || 0;
  }
  const searched = search.filter(domain => domain !== '').map(domain => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...searched] : [...searched, name];
}

async function asked(resolver: Resolver, name: string, type: DnsType): Promise<readonly DnsRecord[]> {
  switch (type) {
    case 'A':
      return (await resolver.resolve4(name)).map(address => ({ name: address }));
    case 'AAAA':
      return (await resolver.resolve6(name)).map(address => ({ name: address }));
    case 'SRV':
      return (await resolver.resolveSrv(name)).map(({ name: host, port }) => ({ name: host, port }));
    case 'MX':
      return (await resolver.resolveMx(name)).map(({ exchange }) => ({ name: exchange }));
    case 'NS':
      return (await resolver.resolveNs(name)).map(host => ({ name: host }));
  }
}

function isNoSuchName(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOTFOUND' || code === 'ENODATA';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function failed(name: string, error: unknown): Result<never, DnsError> {
  const cause = codeOf(error) || String(error);
  return err({ code: 'dns-failed', message: `Cannot look up "${name}": ${cause}` });
}
