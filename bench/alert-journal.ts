// Claim: 10,000 inhibited alerts over a day grow the journal by three events each, however they are grouped; repeats are counted.

import { inhibitedDay } from '../test/sim/journal-size.ts';

const ALERTS = 10_000;

for (const [groupBy, hours] of [
  ['alertname', 24],
  ['instance', 2],
] as const) {
  const startMs = performance.now();
  const { events, repeats, bytes } = await inhibitedDay({ alerts: ALERTS, groupBy, hours });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
  const groups = groupBy === 'alertname' ? 'one group' : 'a group each';
  console.log(
    `alert-journal: ${ALERTS} inhibited, ${groups}, ${hours} h: ${events} events, ${repeats} repeats, ${(bytes / 2 ** 20).toFixed(1)} MiB (${seconds} s to simulate)`,
  );
}
