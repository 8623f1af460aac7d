// Which proxy an address is asked through, by the rules that Go's programs (and curl's) have for NO_PROXY. Pure.

import { BlockList, isIP } from 'node:net';
import type { HttpProxy } from '../base/index.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Undefined for none. A proxy that is named for certain hosts only is never used for this machine itself. */
export function proxyFor(url: URL, proxy: HttpProxy | undefined, env: Env): string | undefined {
  if (proxy === undefined) return undefined;
  if (!proxy.fromEnvironment) {
    const isLeftOut = proxy.noProxy !== '' && isExcluded(url, proxy.noProxy);
    return isLeftOut ? undefined : proxy.url;
  }
  const named = url.protocol === 'https:' ? variable(env, 'HTTPS_PROXY') : variable(env, 'HTTP_PROXY');
  if (named === '' || isExcluded(url, variable(env, 'NO_PROXY'))) return undefined;
  return named.includes('://') ? named : `http://${named}`;
}

/** In capitals or not, as everywhere. */
function variable(env: Env, name: string): string {
  return env[name] ?? env[name.toLowerCase()] ?? '';
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Entries: "*"; a host, with its subdomains; ".host", only these; an address; a subnet; each perhaps with a port. */
function isExcluded(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  if (host === 'localhost' || isIn(LOOPBACK, host)) return true;
  return noProxy
    .split(',')
    .map(entry => entry.trim().toLowerCase())
    .some(entry => entry !== '' && matches(entry, host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const subnet = /^(.+)\/(\d{1,3})$/.exec(entry);
  if (subnet !== null) return isInSubnet(host, subnet[1] ?? '', Number(subnet[2]));
  const [name, ofPort] = hostAndPort(entry);
  if (ofPort !== '' && ofPort !== port) return false;
  if (isIP(name) !== 0 || isIP(host) !== 0) return name === host;
  const domain = name.replace(/^\*?\./, '');
  return host.endsWith(`.${domain}`) || (domain === name && host === domain);
}

function hostAndPort(entry: string): readonly [host: string, port: string] {
  if (isIP(entry) !== 0) return [entry, ''];
  const found = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(entry);
  return [found?.[1] ?? entry, found?.[2] ?? ''];
}

function isInSubnet(host: string, network: string, bits: number): boolean {
  const family = isIP(network);
  if (family === 0 || bits > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, bits, family === 4 ? 'ipv4' : 'ipv6');
  return isIn(list, host);
}

function isIn(list: BlockList, host: string): boolean {
  const family = isIP(host);
  return family !== 0 && list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
