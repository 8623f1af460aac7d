// The scraper's metrics about itself.

import type { Counter, Metrics } from '../../model/index.ts';

export interface ScrapeCounters {
  readonly scrapes: Counter;
  readonly samples: Counter;
  readonly missedLines: Counter;
  readonly duplicates: Counter;
  readonly refusedSeries: Counter;
  readonly refusedSamples: Counter;
  readonly lostBatches: Counter;
  readonly skippedTicks: Counter;
}

export function scrapeCounters(metrics: Metrics): ScrapeCounters {
  const counter = (name: string, help: string): Counter => metrics.counter(`watchkeeper_scrape${name}`, help);
  return {
    scrapes: counter('s_total', 'Scrapes by result.'),
    samples: counter('_samples_total', 'Samples that pages exposed, after relabelling.'),
    missedLines: counter('_layout_misses_total', 'Lines that were not where the page before had them.'),
    duplicates: counter('_duplicate_samples_total', 'Samples whose series stood on the page before them.'),
    refusedSeries: counter('_refused_series_total', 'New series that the store did not take.'),
    refusedSamples: counter('_refused_samples_total', 'Samples that the store did not take.'),
    lostBatches: counter('_lost_batches_total', 'Pages that could not be stored at all.'),
    skippedTicks: counter(
      '_skipped_ticks_total',
      'Scrapes left out since the one before was still under way.',
    ),
  };
}
