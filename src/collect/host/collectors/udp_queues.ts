// udp_queues: bytes waiting in all UDP sockets.

import { absent, type CollectorKind, OK } from '../kind.ts';
import { hex, lines, words } from '../text.ts';

/** The fifth column is "tx:rx" in hexadecimal. */
export function parseUdp(text: string): { readonly tx: number; readonly rx: number } {
  let tx = 0;
  let rx = 0;
  for (const line of lines(text).slice(1)) {
    const [out, into] = (words(line)[4] ?? '').split(':').map(hex);
    tx += out ?? 0;
    rx += into ?? 0;
  }
  return { tx, rx };
}

export const udpQueues: CollectorKind = {
  name: 'udp_queues',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const texts = await Promise.all(['udp', 'udp6'].map(file => host.files.text(host.proc(`net/${file}`))));
    if (texts.every(text => text === undefined)) return absent('no net/udp');
    texts.forEach((text, i) => {
      if (text === undefined) return;
      const { tx, rx } = parseUdp(text);
      const help = 'Bytes waiting in the queues of UDP sockets.';
      const ip = i === 0 ? 'v4' : 'v6';
      page.gauge('node_udp_queues', help, tx, { queue: 'tx', ip });
      page.gauge('node_udp_queues', help, rx, { queue: 'rx', ip });
    });
    return OK;
  },
};
