// The scraper as a whole, on a fake clock and a fake network.

import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../../test/support/clock.ts';
import { FakeDisk } from '../../../test/support/disk.ts';
import { FakeHttp } from '../../../test/support/http.ts';
import { CollectingLog } from '../../../test/support/log.ts';
import {
  labelsFrom,
  MetricRegistry,
  NO_LABELS,
  type ScrapeTarget,
  type TargetStatus,
  targetId,
} from '../../model/index.ts';
import {
  createScraper,
  NO_LABEL_LIMITS,
  SCRAPE_PROTOCOLS_DEFAULT,
  type ScrapeEntry,
  type ScrapeJob,
} from './index.ts';
import { HISTOGRAMS_DEFAULT } from './job.ts';
import { alignTime, firstDelayMs } from './schedule.ts';
import { MemoryWriter } from './testdata/memory-writer.ts';

const INTERVAL_MS = 10_000;

function entryOf(
  name: string,
  changes: {
    readonly target?: Partial<ScrapeTarget>;
    readonly job?: Partial<ScrapeJob>;
    readonly refusal?: string;
  } = {},
): ScrapeEntry {
  const job: ScrapeJob = {
    jobName: 'j',
    intervalMs: INTERVAL_MS,
    timeoutMs: 5000,
    metricsPath: '/metrics',
    scheme: 'http',
    params: new Map(),
    honorLabels: false,
    honorTimestamps: true,
    trackTimestampsStaleness: false,
    sampleLimit: 0,
    bodyBytesMax: 0,
    labelLimits: NO_LABEL_LIMITS,
    seriesMax: 0,
    histograms: HISTOGRAMS_DEFAULT,
    extraMetrics: false,
    failureLogFile: '',
    scrapeProtocols: SCRAPE_PROTOCOLS_DEFAULT,
    escaping: 'allow-utf-8',
    headers: {},
    auth: { kind: 'none' },
    followRedirects: true,
    enableCompression: true,
    relabel: [],
    metricRelabel: [],
    ...changes.job,
  };
  const target: ScrapeTarget = {
    id: targetId(name),
    job: 'j',
    url: `http://${name}/metrics`,
    labels: labelsFrom({ job: 'j', instance: name }),
    discoveredLabels: NO_LABELS,
    intervalMs: INTERVAL_MS,
    timeoutMs: 5000,
    honorLabels: false,
    honorTimestamps: true,
    sampleLimit: 0,
    bodyBytesMax: 0,
    headers: {},
    ...changes.target,
  };
  return { target, job, refusal: changes.refusal ?? '' };
}

function kit() {
  const clock = new FakeClock();
  const http = new FakeHttp(clock);
  const fakeDisk = new FakeDisk();
  const disk = fakeDisk.mount();
  const log = new CollectingLog();
  const writer = new MemoryWriter();
  const metrics = new MetricRegistry();
  const health: string[] = [];
  const scraper = createScraper({
    clock,
    http,
    disk,
    writer,
    metrics,
    log,
    version: '1.2.3',
    onHealthChange: (status: TargetStatus) =>
      health.push(`${status.id} ${status.health} ${status.lastError}`),
  });
  const metric = (name: string): number =>
    metrics
      .families()
      .find(family => family.name === name)
      ?.samples.reduce((sum, sample) => sum + sample.value, 0) ?? 0;
  const rows = (): string[][] => writer.batches.map(batch => writer.rows(batch));
  return { clock, http, fakeDisk, disk, log, writer, scraper, health, metric, rows };
}

describe('scraping', () => {
  it('scrapes once an interval, at times exactly one interval apart', async () => {
    const { clock, http, writer, scraper, rows } = kit();
    http.on('http://a/', { body: 'x 1\n', headers: { 'content-type': 'text/plain; version=0.0.4' } });
    await scraper.setJobs([entryOf('a')]);
    await clock.advance(3 * INTERVAL_MS);
    expect(rows()).toEqual(Array(3).fill(['x{instance="a", job="j"} 1']));
    const times = writer.batches.map(batch => batch.timestampMs);
    expect(times.map((time, i) => time - (times[0] as number) - i * INTERVAL_MS)).toEqual([0, 0, 0]);
    expect(writer.allRows(writer.batches[0] as never)).toContain('up{instance="a", job="j"} 1');
    await scraper.stop();
  });

  it('knows what the pages of each target have said of their metrics', async () => {
    const { clock, http, scraper } = kit();
    const headers = { 'content-type': 'text/plain; version=0.0.4' };
    http.on('http://a/', { body: '# HELP x Of a.\n# TYPE x counter\nx 1\n', headers });
    http.on('http://b/', { body: '# TYPE x gauge\nx 1\n', headers });
    await scraper.setJobs([entryOf('a'), entryOf('b')]);
    expect(scraper.metadataOf(targetId('a'))).toEqual([]);
    await clock.advance(2 * INTERVAL_MS);
    expect(scraper.metadataOf(targetId('a'))).toEqual([
      { metric: 'x', type: 'counter', help: 'Of a.', unit: '' },
    ]);
    expect(scraper.metadataOf(targetId('b'))).toEqual([{ metric: 'x', type: 'gauge', help: '', unit: '' }]);
    await scraper.setJobs([entryOf('b')]);
    expect(scraper.metadataOf(targetId('a'))).toEqual([]);
    await scraper.stop();
  });

  it('says who asks, for what and how long it waits', async () => {
    const { clock, http, scraper } = kit();
    http.on('http://a/', { body: '' });
    const password = { reveal: () => 'geheim', toJSON: () => '<secret>' };
    await scraper.setJobs([
      entryOf('a', {
        job: { auth: { kind: 'basic', username: 'u', password } },
        target: { headers: { 'x-y': 'z' } },
      }),
    ]);
    await clock.advance(INTERVAL_MS);
    expect(http.requests[0]?.headers).toMatchObject({
      'user-agent': 'Watchkeeper/1.2.3',
      'x-prometheus-scrape-timeout-seconds': '5',
      'accept-encoding': 'gzip',
      authorization: 'Basic dTpnZWhlaW0=',
      'x-y': 'z',
    });
    // As Prometheus 3 asks by default.
    expect(http.requests[0]?.headers['accept']).toBe(
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,' +
        'application/openmetrics-text;version=0.0.1;q=0.5,' +
        'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    );
    await scraper.stop();
  });

  it('fails a target that is refused without asking it, until it is not refused any more', async () => {
    const { clock, http, scraper } = kit();
    http.on('http://a/', { body: 'x 1\n' });
    await scraper.setJobs([entryOf('a', { refusal: 'target_limit exceeded' })]);
    await clock.advance(INTERVAL_MS);
    expect(scraper.statuses()[0]).toMatchObject({ health: 'down', lastError: 'target_limit exceeded' });
    expect(http.requests).toEqual([]);
    await scraper.setJobs([entryOf('a')]);
    await clock.advance(INTERVAL_MS);
    expect(scraper.statuses()[0]).toMatchObject({ health: 'up', lastError: '' });
    await scraper.stop();
  });

  it('reads OpenMetrics where the server answers so, and what the job falls back to where it says nothing', async () => {
    const { clock, http, writer, scraper } = kit();
    const body = '# TYPE a counter\na_total 1 5.5 # {id="x"} 0.5\n# EOF\n';
    const headers = { 'content-type': 'application/openmetrics-text; version=1.0.0; charset=utf-8' };
    http.on('http://a/', { body, headers });
    http.on('http://b/', { body });
    http.on('http://c/', { body });
    await scraper.setJobs([
      entryOf('a'),
      entryOf('b', { job: { fallbackProtocol: 'OpenMetricsText1.0.0' } }),
      entryOf('c', { job: { scrapeProtocols: ['PrometheusText0.0.4'] } }),
    ]);
    await clock.advance(INTERVAL_MS);
    expect(scraper.statuses().map(({ health }) => health)).toEqual(['up', 'up', 'down']);
    const exemplars = writer.batches.map(batch => batch.exemplars?.map(one => one.exemplar.value));
    expect(exemplars.filter(one => one !== undefined)).toEqual([[0.5], [0.5]]);
    expect(http.requests.find(one => one.url.startsWith('http://c/'))?.headers['accept']).toBe(
      'text/plain;version=0.0.4;q=0.6,*/*;q=0.5',
    );
    await scraper.stop();
  });

  it.each<[name: string, answer: object, error: string]>([
    ['an error status', { status: 503 }, '503'],
    ['a refused connection', { error: 'http-refused' }, ''],
    ['an answer after the deadline', { body: 'x 1\n', latencyMs: 6000 }, ''],
    ['a page that cannot be read', { body: 'x\n' }, 'line 1, column 2'],
    [
      'protobuf that is none',
      { body: 'x 1', headers: { 'content-type': 'application/vnd.google.protobuf' } },
      'metric family 1',
    ],
  ])('%s ends the series and is told', async (_, answer, error) => {
    const { clock, http, writer, scraper, health, rows } = kit();
    http.on('http://a/', { body: 'x 1\n' });
    await scraper.setJobs([entryOf('a')]);
    expect(scraper.stateOf(targetId('a'))).toBe('silent');
    await clock.advance(INTERVAL_MS);
    expect(scraper.stateOf(targetId('a'))).toBe('delivering');
    http.on('http://a/', answer);
    await clock.advance(2 * INTERVAL_MS);
    expect(rows()[1]).toEqual(['x{instance="a", job="j"} stale']);
    expect(writer.allRows(writer.batches[1] as never)).toContain('up{instance="a", job="j"} 0');
    expect(scraper.stateOf(targetId('a'))).toBe('silent');
    const status = scraper.statuses()[0];
    expect(status?.health).toBe('down');
    expect(status?.lastError).not.toBe('');
    expect(status?.lastError).toContain(error);
    expect(health).toEqual(['a up ', `a down ${status?.lastError}`]);
    await scraper.stop();
  });

  it('never scrapes one target twice at once, and counts the ticks it skips', async () => {
    const { clock, http, scraper, metric, rows } = kit();
    let open = 0;
    let openMax = 0;
    http.on('http://a/', async () => {
      open++;
      openMax = Math.max(openMax, open);
      await new Promise<void>(done => void clock.after(25_000, done));
      open--;
      return { body: 'x 1\n' };
    });
    await scraper.setJobs([entryOf('a', { target: { timeoutMs: 60_000 } })]);
    await clock.advance(6 * INTERVAL_MS);
    expect(openMax).toBe(1);
    expect(rows().length).toBeGreaterThanOrEqual(1);
    expect(metric('watchkeeper_scrape_skipped_ticks_total')).toBeGreaterThanOrEqual(3);
    await scraper.stop();
  });

  it('goes on after the store could not take a page', async () => {
    const { clock, http, writer, scraper, metric } = kit();
    http.on('http://a/', { body: 'x 1\n' });
    writer.failure = { code: 'storage-paused', message: 'disk full' };
    await scraper.setJobs([entryOf('a')]);
    await clock.advance(INTERVAL_MS);
    expect(metric('watchkeeper_scrape_lost_batches_total')).toBe(1);
    writer.failure = undefined;
    await clock.advance(INTERVAL_MS);
    expect(writer.batches.length).toBe(1);
    await scraper.stop();
  });
});

describe('changing targets', () => {
  it('a target that is gone gets stale markers for all it had', async () => {
    const { clock, http, writer, scraper } = kit();
    http.on('http://a/', { body: 'x 1\n' });
    http.on('http://b/', { body: 'x 1\n' });
    await scraper.setJobs([entryOf('a'), entryOf('b')]);
    await clock.advance(INTERVAL_MS);
    await scraper.setJobs([entryOf('b')]);
    const last = writer.batches.at(-1) as never;
    expect(writer.allRows(last).length).toBe(6);
    expect(writer.allRows(last).every(row => row.endsWith('stale'))).toBe(true);
    expect([scraper.stateOf(targetId('a')), scraper.stateOf(targetId('b'))]).toEqual(['gone', 'delivering']);
    await scraper.stop();
  });

  it('an unchanged target is left alone, a changed one keeps its series', async () => {
    const { clock, http, writer, scraper, rows } = kit();
    http.on('http://a/', { body: 'x 1\ny 2\n' });
    const entry = entryOf('a');
    await scraper.setJobs([entry]);
    await clock.advance(INTERVAL_MS);
    await scraper.setJobs([entryOf('a')]);
    await clock.advance(INTERVAL_MS);
    expect(writer.batches[1]?.series).toBe(writer.batches[0]?.series);
    const drop = {
      action: 'drop',
      sourceLabels: ['__name__'],
      separator: ';',
      regex: 'y',
      modulus: 0,
      targetLabel: '',
      replacement: '$1',
    } as const;
    await scraper.setJobs([entryOf('a', { job: { metricRelabel: [drop] } })]);
    await clock.advance(INTERVAL_MS);
    expect(rows()[2]).toEqual(['x{instance="a", job="j"} 1', 'y{instance="a", job="j"} stale']);
    await scraper.stop();
  });

  it('a changed password counts as a change', async () => {
    const { clock, http, scraper } = kit();
    http.on('http://a/', { body: '' });
    const withPassword = (word: string): ScrapeEntry =>
      entryOf('a', {
        job: {
          auth: { kind: 'basic', username: '', password: { reveal: () => word, toJSON: () => '' } as never },
        },
      });
    await scraper.setJobs([withPassword('1')]);
    await scraper.setJobs([withPassword('2')]);
    await clock.advance(INTERVAL_MS);
    expect(http.requests[0]?.headers['authorization']).toBe(`Basic ${btoa(':2')}`);
    await scraper.stop();
  });

  it('after stop nothing is scraped and nothing is marked stale', async () => {
    const { clock, http, writer, scraper } = kit();
    http.on('http://a/', { body: 'x 1\n' });
    await scraper.setJobs([entryOf('a')]);
    await clock.advance(INTERVAL_MS);
    await scraper.stop();
    await clock.advance(5 * INTERVAL_MS);
    await settle();
    expect(writer.batches.length).toBe(1);
    expect(clock.nextDueMs()).toBeUndefined();
  });
});

describe('schedule', () => {
  it('a target keeps its place in the interval whenever the program starts', () => {
    const at = (nowMs: number): number => (nowMs + firstDelayMs('id', INTERVAL_MS, nowMs)) % INTERVAL_MS;
    expect(new Set([0, 1, 777, 123_456_789].map(at)).size).toBe(1);
    const places = new Set(Array.from({ length: 50 }, (_, i) => firstDelayMs(`t${i}`, INTERVAL_MS, 0)));
    expect(places.size).toBeGreaterThan(45);
  });

  it('small jitter is aligned, large is kept, and a moved clock makes a new grid', () => {
    const run = (...times: number[]): number[] => {
      let grid: Parameters<typeof alignTime>[1];
      return times.map(time => {
        const aligned = alignTime(time, grid, 1000);
        grid = aligned.grid;
        return aligned.timestampMs;
      });
    };
    expect(run(0, 1002, 1999, 3000.4)).toEqual([0, 1000, 2000, 3000]);
    expect(run(0, 1005, 2001)).toEqual([0, 1005, 2000]);
    expect(run(0, 1300, 2300, 3300, 4301)).toEqual([0, 1300, 2300, 3300, 4300]);
  });
});

describe('failed scrapes', () => {
  it('are noted in the file that the job names, one line each, and a line that the disk did not take is told', async () => {
    const { clock, http, fakeDisk, disk, log, scraper } = kit();
    http.on('http://a/', { status: 503, body: '' });
    await scraper.setJobs([entryOf('a', { job: { failureLogFile: '/fail.log' } }), entryOf('b')]);
    await clock.advance(2 * INTERVAL_MS);
    const lines = async (): Promise<unknown[]> => {
      const read = await disk.readFile('/fail.log');
      const text = read.ok ? new TextDecoder().decode(read.value) : '';
      return text.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line)]));
    };
    const found = await lines();
    expect(found).toHaveLength(2);
    expect(found[0]).toEqual({
      time: expect.stringMatching(/^20\d\d-\d\d-\d\dT[\d:.]+Z$/),
      level: 'ERROR',
      msg: 'server returned HTTP status 503',
      job_name: 'j',
      target: 'http://a/metrics',
    });
    fakeDisk.failAt(1, 'disk-full');
    await clock.advance(2 * INTERVAL_MS);
    expect(log.messages().filter(message => message.includes('scrape_failure_log_file'))).toEqual([
      'Cannot write scrape_failure_log_file',
      'Lines of scrape_failure_log_file are lost',
    ]);
    expect(await lines()).toHaveLength(3);
    await scraper.stop();
  });
});
