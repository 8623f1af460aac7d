// The dead man's switch over the whole system: it beats while everything works, and stops with any one stage.

import { describe, expect, it } from 'vitest';
import { err, ok } from '../base/index.ts';
import type { SampleBatch } from '../model/index.ts';
import type { System } from './system.ts';
import { type Bench, bench, configText, PAGE } from './testdata/bench.ts';

const URL_PREFIX = 'http://127.0.0.1:9300/';
const INTERVAL_S = 10;
const SECTION = `heartbeat: { url: '${URL_PREFIX}beat', interval: ${INTERVAL_S}s }\n`;

async function beating(section = SECTION) {
  const b = await bench();
  b.http.on(URL_PREFIX, { body: 'OK' });
  await b.write('watchkeeper.yml', configText({ more: section }));
  const system = await b.start();
  const beats = (): number => b.http.requests.filter(one => one.url.startsWith(URL_PREFIX)).length;
  return { ...b, system, beats };
}

describe('the sign of life', () => {
  it('goes out at its interval, to its URL alone, and not to the receivers of the file', async () => {
    const b = await beating();
    await b.clock.advance(120_000);
    expect(b.beats()).toBeGreaterThanOrEqual(10);
    expect(b.beats()).toBeLessThanOrEqual(13);
    const request = b.http.requests.find(one => one.url.startsWith(URL_PREFIX));
    expect(request).toMatchObject({ method: 'GET', url: `${URL_PREFIX}beat` });
    const hooks = b.http.requests.filter(one => one.url.startsWith('http://127.0.0.1:9200/'));
    for (const hook of hooks)
      expect(new TextDecoder().decode(hook.body)).not.toContain('WatchkeeperHeartbeat');
    expect(hooks.length).toBeGreaterThan(0);
    await b.system.stop();
  });

  it('asks for nothing to be set up but a URL: it needs no route, no receiver and no rules of the file', async () => {
    const b = await bench();
    b.http.on(URL_PREFIX, { body: 'OK' });
    await b.write('watchkeeper.yml', `host: { enabled: false }\nrule_files: []\n${SECTION}`);
    const system = await b.start();
    await b.clock.advance(60_000);
    expect(b.http.requests.filter(one => one.url.startsWith(URL_PREFIX)).length).toBeGreaterThan(3);
    await system.stop();
  });

  it('is not sent without the section, nor when it is switched off', async () => {
    const b = await beating(`heartbeat: { url: '${URL_PREFIX}beat', enabled: false }\n`);
    await b.clock.advance(120_000);
    expect(b.beats()).toBe(0);
    await b.system.stop();
  });

  it('can be changed, stopped and begun by a reload', async () => {
    const b = await beating();
    await b.clock.advance(60_000);
    const first = b.beats();
    expect(first).toBeGreaterThan(3);
    await b.write('watchkeeper.yml', configText());
    expect((await b.system.reload()).ok).toBe(true);
    await b.clock.advance(60_000);
    expect(b.beats()).toBeLessThanOrEqual(first + 1);
    const silent = b.beats();
    await b.write('watchkeeper.yml', configText({ more: SECTION.replace('10s', '20s') }));
    expect((await b.system.reload()).ok).toBe(true);
    await b.clock.advance(200_000);
    expect(b.beats() - silent).toBeGreaterThanOrEqual(8);
    expect(b.beats() - silent).toBeLessThanOrEqual(12);
    await b.system.stop();
  });

  it('goes on while a target does not answer: that is an alert of its own', async () => {
    const b = await beating();
    await b.clock.advance(30_000);
    const before = b.beats();
    b.http.on(PAGE, { latencyMs: 60_000 });
    await b.clock.advance(120_000);
    expect(b.beats() - before).toBeGreaterThan(8);
    await b.system.stop();
  });

  it('is tried again when its URL fails, and goes on when it answers', async () => {
    const b = await beating();
    await b.clock.advance(30_000);
    b.http.on(URL_PREFIX, { status: 503 });
    await b.clock.advance(120_000);
    const failed = b.system.notifier.health().find(one => one.key === 'watchkeeper-heartbeat/heartbeat[0]');
    expect(failed?.consecutiveFailures).toBeGreaterThan(2);
    b.http.on(URL_PREFIX, { body: 'OK' });
    const before = b.beats();
    await b.clock.advance(120_000);
    expect(b.beats() - before).toBeGreaterThan(8);
    const well = b.system.notifier.health().find(one => one.key === 'watchkeeper-heartbeat/heartbeat[0]');
    expect(well?.consecutiveFailures).toBe(0);
    await b.system.stop();
  });
});

/** Takes samples of the program itself away without a word: not even the marker that they ended. */
function loseOwnSamples(system: System): void {
  const own = system.self.status().id;
  const { store } = system;
  const append = store.append.bind(store);
  const replaced = async (batch: SampleBatch) =>
    batch.producer === own ? ok({ accepted: 0, refused: [], refusedCount: 0 }) : append(batch);
  Object.defineProperty(store, 'append', { value: replaced });
}

/** Requests for pages never come back, not even when their time is up: only whoever ends the scraper ends them. */
function hangScrapes(http: Bench['http']): void {
  const request = http.request.bind(http);
  const replaced = (...args: Parameters<typeof request>): ReturnType<typeof request> => {
    const [{ url }, signal] = args;
    if (url !== PAGE) return request(...args);
    const ended = err({ code: 'http-aborted', message: 'ended' } as const);
    return new Promise(resolve => signal?.addEventListener('abort', () => resolve(ended)));
  };
  Object.defineProperty(http, 'request', { value: replaced });
}

describe('a stage that stands still stops it', () => {
  const stages: readonly (readonly [string, (system: System, http: Bench['http']) => unknown])[] = [
    ['the scraper, hanging', (_, http) => hangScrapes(http)],
    ['the collection of own samples, stopped', system => system.self.stop()],
    ['the collection of own samples, hanging', loseOwnSamples],
    ['evaluation', system => system.rules.stop()],
    ['dispatch', system => system.dispatcher.stop()],
    ['notify', system => system.notifier.stop(0)],
  ];
  it.each(stages)('%s', async (_, freeze) => {
    const b = await beating();
    await b.clock.advance(60_000);
    expect(b.beats()).toBeGreaterThan(3);
    void freeze(b.system, b.http);
    // What was on its way, and what the last samples still vouch for.
    await b.clock.advance(3 * INTERVAL_S * 1000);
    const last = b.beats();
    await b.clock.advance(120_000);
    expect(b.beats()).toBe(last);
    // Everything else goes on: what stands still is the one stage.
    expect(b.system.isReady()).toBe(true);
    await b.system.stop();
  });
});
