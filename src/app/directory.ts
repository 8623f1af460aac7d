// All producers of samples as one directory: scraped targets, sources in this process, and rule groups.

import type { InProcessRunner } from '../collect/inprocess/index.ts';
import type { Scraper } from '../collect/scrape/index.ts';
import type { TargetDirectory, TargetId } from '../model/index.ts';

export function joinDirectories(scraper: Scraper, inProcess: readonly InProcessRunner[]): TargetDirectory {
  return {
    statuses: () => [...inProcess.map(runner => runner.status()), ...scraper.statuses()],
    stateOf: (id: TargetId) => {
      const own = inProcess.map(runner => runner.status()).find(status => status.id === id);
      if (own !== undefined) return own.health === 'down' ? 'silent' : 'delivering';
      // A rule group evaluates as long as the process lives: what it no longer produces has ended.
      return id.startsWith('rules/') ? 'delivering' : scraper.stateOf(id);
    },
  };
}
