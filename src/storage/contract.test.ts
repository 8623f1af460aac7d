// The store keeps the contract of SeriesWriter and SeriesReader.

import { FakeClock } from '../../test/support/clock.ts';
import { seriesStoreContract } from '../../test/support/contracts/series-store.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { MetricRegistry } from '../model/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore } from './index.ts';

for (const walAck of ['os', 'disk'] as const) {
  seriesStoreContract(`storage, wal.ack ${walAck}`, async () => {
    const clock = new FakeClock();
    const opened = await openStore({
      disk: new FakeDisk(),
      folder: '/data',
      clock,
      log: new CollectingLog(),
      metrics: new MetricRegistry(),
      settings: { ...DEFAULT_STORE_SETTINGS, walAck },
    });
    if (!opened.ok) throw new Error(opened.error.message);
    const store = opened.value;
    return { writer: store, reader: store, nowMs: clock.nowMs(), close: () => store.close() };
  });
}
