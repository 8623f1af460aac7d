// Claim: recognising the series of a remote-write message costs less than decoding their labels, in 1.0 as in 2.0, whose
// symbols are written out first. 2,000 known series of ten labels, one sample each; without HTTP, compression and store.

import { err, ok } from '../src/base/index.ts';
import { RequestReader } from '../src/collect/push/request.ts';
import { encodeV1, encodeV2, type TestSeries } from '../src/collect/push/testdata/encode.ts';
import type { SeriesRef, SeriesWriter } from '../src/model/index.ts';

const SERIES = 2000;
const MESSAGES = 400;
const ROUNDS = 5;

function memoryWriter(): SeriesWriter {
  let next = 1;
  return {
    intern: () => ok(next++ as SeriesRef),
    append: async () => err({ code: 'storage-closed', message: '' }),
    isLive: () => true,
    generation: 0,
  };
}

function seriesAt(turn: number): TestSeries[] {
  return Array.from({ length: SERIES }, (_, i) => ({
    labels: [
      ['__name__', `some_family_${i % 20}_total`],
      ['az', `az-${i % 3}`],
      ['cluster', 'production-eu-1'],
      ['code', `${200 + (i % 5)}`],
      ['handler', `/api/v1/resource/${i % 50}`],
      ['host', `host-${Math.floor(i / 20)}.example.com`],
      ['instance', `10.0.${Math.floor(i / 250)}.${i % 250}:9100`],
      ['job', 'node'],
      ['region', 'eu-central'],
      ['team', `team-${i % 7}`],
    ],
    samples: [{ timeMs: (turn + 1) * 15_000, value: turn * 3 + i }],
  }));
}

/** Microseconds of CPU a sample, the best of some rounds. */
function costOf(version: 1 | 2): number {
  const messages = Array.from({ length: 10 }, (_, turn) =>
    version === 1 ? encodeV1(seriesAt(turn)) : encodeV2(seriesAt(turn)),
  );
  const reader = new RequestReader(memoryWriter(), 1);
  const send = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const read = reader.read(messages[i % messages.length] as Uint8Array, version);
      if (!read.ok || read.value.refused > 0) throw new Error('not taken');
    }
  };
  send(100);
  const costs = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    send(MESSAGES);
    const used = process.cpuUsage(before);
    return (used.user + used.system) / (MESSAGES * SERIES);
  });
  return Math.min(...costs);
}

process.stdout.write(
  `push-parse: ${SERIES} known series a message: 1.0 ${costOf(1).toFixed(2)} us a sample, 2.0 ${costOf(2).toFixed(2)} us a sample\n`,
);
