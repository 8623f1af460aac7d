// sockstat: sockets in use by protocol.

import { absent, type CollectorKind, OK } from '../kind.ts';
import type { Page } from '../page.ts';
import { lines, uint, words } from '../text.ts';

export interface SocketLine {
  readonly protocol: string;
  readonly values: readonly (readonly [name: string, value: number])[];
}

/** "TCP: inuse 4 orphan 0 …" */
export function parseSockstat(text: string): SocketLine[] {
  return lines(text).flatMap(line => {
    const [protocol = '', ...pairs] = words(line);
    if (!protocol.endsWith(':')) return [];
    const values: [string, number][] = [];
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const value = uint(pairs[i + 1]);
      if (value !== undefined) values.push([pairs[i] ?? '', value]);
    }
    return [{ protocol: protocol.slice(0, -1), values }];
  });
}

const PAGE_SIZE_KEY = 6;
const PAGE_BYTES_USUAL = 4096;

/** The page size from the auxiliary vector of this process: pairs of 64-bit words, little-endian on all we run on. */
export function pageBytes(auxv: Uint8Array | undefined): number {
  if (auxv === undefined) return PAGE_BYTES_USUAL;
  const view = new DataView(auxv.buffer, auxv.byteOffset, auxv.byteLength);
  for (let at = 0; at + 16 <= auxv.byteLength; at += 16) {
    if (view.getBigUint64(at, true) === BigInt(PAGE_SIZE_KEY)) return Number(view.getBigUint64(at + 8, true));
  }
  return PAGE_BYTES_USUAL;
}

export const sockstat: CollectorKind = {
  name: 'sockstat',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    let bytesAPage: number | undefined;
    return async page => {
      const [four, six] = await Promise.all([
        host.files.text(host.proc('net/sockstat')),
        host.files.text(host.proc('net/sockstat6')),
      ]);
      if (four === undefined && six === undefined) return absent('no net/sockstat');
      if (bytesAPage === undefined) {
        const auxv = await host.files.bytes(host.proc('self/auxv'));
        bytesAPage = pageBytes(auxv.ok ? auxv.value : undefined);
      }
      for (const text of [four, six]) addLines(page, parseSockstat(text ?? ''), bytesAPage);
      return OK;
    };
  },
};

function addLines(page: Page, found: readonly SocketLine[], bytesAPage: number): void {
  for (const { protocol, values } of found) {
    if (protocol === 'sockets') {
      const used = values.find(([name]) => name === 'used')?.[1];
      page.gauge('node_sockstat_sockets_used', 'Sockets in use.', used);
      continue;
    }
    for (const [name, value] of values) {
      const help = `Number ${name} of ${protocol} sockets.`;
      page.gauge(`node_sockstat_${protocol}_${name}`, help, value);
      // The kernel counts memory in pages.
      if (name === 'mem') page.gauge(`node_sockstat_${protocol}_mem_bytes`, help, value * bytesAPage);
    }
  }
}
