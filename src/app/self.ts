// The program's metrics about itself: what the stages counted, and facts about the process.

import type { FamilySample, MetricFamily, MetricRegistry, MetricType } from '../model/index.ts';
import { labelsFrom, NO_LABELS } from '../model/index.ts';
import type { OwnFacts } from './ports.ts';
import { VERSION } from './version.ts';

export interface SelfFacts {
  readonly startedAtMs: number;
  readonly ready: boolean;
  readonly reload: { readonly atMs: number; readonly ok: boolean };
  readonly receivers: readonly { readonly name: string; readonly consecutiveFailures: number }[];
  readonly scrapeStandstillSeconds: number;
}

export function selfFamilies(
  registry: MetricRegistry,
  own: OwnFacts,
  facts: SelfFacts,
): readonly MetricFamily[] {
  const one = (
    name: string,
    type: MetricType,
    about: { readonly help: string; readonly value: number },
  ): MetricFamily => ({
    name,
    type,
    help: about.help,
    samples: [{ suffix: '', labels: NO_LABELS, value: about.value }],
  });
  const build: FamilySample = {
    suffix: '',
    labels: labelsFrom({ version: VERSION, nodeversion: own.nodeVersion }),
    value: 1,
  };
  return [
    ...registry.families(),
    {
      name: 'watchkeeper_build_info',
      type: 'gauge',
      help: 'Always 1; the version is in the labels.',
      samples: [build],
    },
    one('watchkeeper_ready', 'gauge', { help: 'Whether start-up is complete.', value: Number(facts.ready) }),
    one('watchkeeper_scrape_standstill_seconds', 'gauge', {
      help: 'For how long no target was scraped although the turn of each had come; 0 while the scraper works.',
      value: facts.scrapeStandstillSeconds,
    }),
    one('watchkeeper_config_last_reload_successful', 'gauge', {
      help: 'Whether the last load of the configuration was accepted.',
      value: Number(facts.reload.ok),
    }),
    one('watchkeeper_config_last_reload_timestamp_seconds', 'gauge', {
      help: 'When the configuration was last loaded or tried.',
      value: facts.reload.atMs / 1000,
    }),
    {
      name: 'watchkeeper_receiver_consecutive_failures',
      type: 'gauge',
      help: 'Failed attempts of a receiver since its last success.',
      samples: facts.receivers.map(receiver => ({
        suffix: '',
        labels: labelsFrom({ receiver: receiver.name }),
        value: receiver.consecutiveFailures,
      })),
    },
    one('process_start_time_seconds', 'gauge', {
      help: 'Start of the process in seconds since the epoch.',
      value: facts.startedAtMs / 1000,
    }),
    one('process_cpu_seconds_total', 'counter', {
      help: 'User and system time of the process.',
      value: own.cpuSeconds(),
    }),
    one('process_resident_memory_bytes', 'gauge', {
      help: 'Resident memory of the process.',
      value: own.residentBytes(),
    }),
    one('watchkeeper_heap_bytes', 'gauge', { help: 'Used JavaScript heap.', value: own.heapBytes() }),
  ];
}
