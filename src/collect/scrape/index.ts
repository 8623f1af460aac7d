// collect/scrape: pages of HTTP targets into sample batches.

export { type BatchSettings, type Page, type PageReport, TargetBatcher } from './batch.ts';
export {
  BODY_BYTES_DEFAULT,
  HISTOGRAMS_DEFAULT,
  type HiddenText,
  type ScrapeAuth,
  type ScrapeJob,
} from './job.ts';
export { type LabelLimits, NO_LABEL_LIMITS } from './label-limits.ts';
export { PageLayout } from './layout.ts';
export { type PageFormat, SCRAPE_PROTOCOLS_DEFAULT, type ScrapeProtocol } from './negotiation.ts';
export { createScraper, type Scraper, type ScraperPorts } from './runner.ts';
export { joinLabels, type LabelRules } from './sample-labels.ts';
export type { ScrapeEntry } from './target-loop.ts';
