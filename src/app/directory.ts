// All producers of samples as one directory: scraped targets, sources in this process, and rule groups.

import type { InProcessRunner } from '../collect/inprocess/index.ts';
import type { Scraper } from '../collect/scrape/index.ts';
import type { MetricMetadata, TargetDirectory, TargetId } from '../model/index.ts';

export interface AllTargets extends TargetDirectory {
  /** What a target says of its metrics. */
  metadataOf(id: TargetId): readonly MetricMetadata[];
}

export function joinDirectories(scraper: Scraper, inProcess: readonly InProcessRunner[]): AllTargets {
  return {
    metadataOf: id => {
      const own = inProcess.find(runner => runner.status().id === id);
      if (own === undefined) return scraper.metadataOf(id);
      return own.latest().map(({ name, type, help }) => ({ metric: name, type, help, unit: '' }));
    },
    statuses: () => [...inProcess.map(runner => runner.status()), ...scraper.statuses()],
    stateOf: (id: TargetId) => {
      const own = inProcess.map(runner => runner.status()).find(status => status.id === id);
      if (own !== undefined) return own.health === 'down' ? 'silent' : 'delivering';
      // A rule group evaluates as long as the process lives: what it no longer produces has ended.
      return id.startsWith('rules/') ? 'delivering' : scraper.stateOf(id);
    },
  };
}
