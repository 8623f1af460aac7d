// The store of series in memory passes the contract.

import { seriesStoreContract } from './contracts/series-store.ts';
import { MemorySeriesStore } from './memory-series.ts';

seriesStoreContract('memory', async () => {
  const nowMs = Date.UTC(2026, 0, 1);
  const store = new MemorySeriesStore(() => nowMs);
  return { writer: store, reader: store, nowMs, close: async () => {} };
});
