// The dispatcher against a naive model: every silence and every rule tried on every alert at every step.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type Alert,
  compileMatchers,
  fingerprint,
  type Labels,
  labelsEqual,
  labelsFrom,
  labelValue,
  type Matcher,
  matchesAll,
  silenceState,
} from '../model/index.ts';
import type { InhibitRule } from './inhibition.ts';
import { groupLabelsOf, matchRoutes } from './route.ts';
import { configOf, routeSpec, World } from './testdata/harness.ts';

const SEED = 20_261_130;
const RUNS = 60;
const WAIT_MS = 30_000;
const INTERVAL_MS = 60_000;

const value = fc.constantFrom('a', 'b', 'c');
const name = fc.constantFrom('severity', 'cluster', 'instance');
const labels = fc.record({ severity: value, cluster: value, instance: value });
const matcher: fc.Arbitrary<Matcher> = fc.record({
  name,
  op: fc.constantFrom('=', '!=', '=~', '!~' as const),
  value: fc.constantFrom('a', 'b', 'c', 'a|b', '[bc]'),
});
const matchers = fc.array(matcher, { minLength: 1, maxLength: 2 });
const rule: fc.Arbitrary<InhibitRule> = fc.record({
  sources: fc.array(fc.record({ matchers, equal: fc.uniqueArray(name, { maxLength: 2 }) }), {
    minLength: 1,
    maxLength: 2,
  }),
  targets: matchers,
});
const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ fire: labels }) },
  { weight: 2, arbitrary: fc.record({ resolve: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.record({ post: labels, lastsMs: fc.integer({ min: -10_000, max: 400_000 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      silence: matchers,
      inMs: fc.nat(100_000),
      lastsMs: fc.integer({ min: 1, max: 300_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ change: fc.nat(30), lastsMs: fc.integer({ min: 1, max: 300_000 }) }) },
  { weight: 1, arbitrary: fc.record({ expire: fc.nat(30) }) },
  { weight: 5, arbitrary: fc.record({ waitMs: fc.integer({ min: 1, max: 100_000 }) }) },
  { weight: 1, arbitrary: fc.constant({ restart: true } as const) },
);

type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

function fits(all: readonly Matcher[], set: Labels): boolean {
  const compiled = compileMatchers(all);
  return compiled.ok && matchesAll(compiled.value, set);
}

/** What the naive model says of an alert now, among those that fire. */
function naive(w: World, alert: Alert, firing: readonly Alert[], rules: readonly InhibitRule[]) {
  const nowMs = w.clock.nowMs();
  const silencedBy = w.dispatcher
    .silences()
    .filter(one => silenceState(one, nowMs) === 'active' && fits(one.matchers, alert.labels))
    .map(one => one.id)
    .sort();
  const inhibited = rules.some(
    ({ sources, targets }) =>
      fits(targets, alert.labels) &&
      sources.every(source =>
        firing.some(
          other =>
            fits(source.matchers, other.labels) &&
            source.equal.every(key => labelValue(other.labels, key) === labelValue(alert.labels, key)) &&
            !(fits(source.matchers, alert.labels) && fits(targets, other.labels)),
        ),
      ),
  );
  return { silencedBy, inhibited };
}

/** Since when an alert fires and nothing keeps it back, as the naive model sees it. */
class Watch {
  readonly #sinceMs = new Map<string, number>();

  check(w: World, rules: readonly InhibitRule[]): void {
    const statuses = w.dispatcher.alertStatuses();
    const nowMs = w.clock.nowMs();
    const firing = statuses.filter(one => one.alert.state === 'firing').map(one => one.alert);
    for (const status of statuses) {
      const { alert } = status;
      const wanted = naive(w, alert, firing, rules);
      expect(status.silencedBy).toEqual(wanted.silencedBy);
      expect(status.inhibitedBy.length > 0).toBe(wanted.inhibited);
      for (const by of status.inhibitedBy) expect(firing.map(one => one.fingerprint)).toContain(by);
      const isOpen = alert.state === 'firing' && !wanted.inhibited && wanted.silencedBy.length === 0;
      if (!isOpen) this.#sinceMs.delete(alert.fingerprint);
      else if (!this.#sinceMs.has(alert.fingerprint)) this.#sinceMs.set(alert.fingerprint, nowMs);
      const sinceMs = this.#sinceMs.get(alert.fingerprint);
      if (sinceMs === undefined || nowMs - sinceMs <= WAIT_MS + INTERVAL_MS) continue;
      const groups = w.dispatcher.groupStatuses().filter(one => one.alerts.includes(alert.fingerprint));
      const told = groups.some(one =>
        one.destinations.some(way => way.toldFiring.includes(alert.fingerprint)),
      );
      expect(told, `${alert.labels.join(' ')} fires and is free for long, and nobody was told`).toBe(true);
    }
  }
}

it('silences and inhibition are those of the naive model, what is kept back is not told, what is free is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(rule, { maxLength: 3 }),
      fc.array(act, { minLength: 5, maxLength: 40 }),
      async (rules, acts) => {
        const spec = routeSpec({ groupBy: ['cluster'], groupWaitMs: WAIT_MS, groupIntervalMs: INTERVAL_MS });
        const w = new World({ ...configOf(spec), inhibitRules: rules });
        await w.start();
        const watch = new Watch();
        const free: (readonly Alert[])[] = [];
        w.delivers = n => {
          free[n] = freeNow(w, rules);
          return 'sent';
        };
        const advance = async (ms: number): Promise<void> => {
          await w.clock.advance(ms);
          watch.check(w, rules);
        };
        for (const one of acts) {
          await carryOut(w, one);
          watch.check(w, rules);
          const waitMs = 'waitMs' in one ? one.waitMs : 1000;
          for (let atMs = 0; atMs < waitMs; atMs += 10_000) await advance(Math.min(10_000, waitMs - atMs));
        }
        await advance(WAIT_MS + 2 * INTERVAL_MS);
        // Each message told of exactly those of its group that were free at its moment.
        for (const [n, job] of w.jobs.entries()) {
          const told = job.alerts.filter(one => one.state === 'firing').map(one => one.fingerprint);
          const wanted = (free[n] ?? []).filter(one => isMember(w, one, job.groupLabels));
          expect(told).toEqual(wanted.map(one => one.fingerprint).sort());
        }
      },
    ),
    { seed: SEED, numRuns: RUNS },
  );
}, 120_000);

/** Those that fire and that nothing keeps back, as the naive model sees it. */
function freeNow(w: World, rules: readonly InhibitRule[]): readonly Alert[] {
  const statuses = w.dispatcher.alertStatuses();
  const firing = statuses.filter(one => one.alert.state === 'firing').map(one => one.alert);
  return firing.filter(one => {
    const { silencedBy, inhibited } = naive(w, one, firing, rules);
    return silencedBy.length === 0 && !inhibited;
  });
}

function isMember(w: World, alert: Alert, groupLabels: Labels): boolean {
  const [route] = matchRoutes(w.config.route, alert.labels);
  return route !== undefined && labelsEqual(groupLabelsOf(route, alert.labels), groupLabels);
}

async function carryOut(w: World, one: Act): Promise<void> {
  const nowMs = w.clock.nowMs();
  const silences = w.dispatcher.silences();
  if ('fire' in one) {
    w.fire(one.fire, w.firing.get(fingerprint(labelsFrom({ alertname: 'Down', ...one.fire }))) ?? {});
  } else if ('resolve' in one) {
    const alert = [...w.firing.values()][one.resolve % Math.max(1, w.firing.size)];
    if (alert !== undefined) w.resolve(alert);
  } else if ('post' in one) {
    const set = labelsFrom({ alertname: 'Down', ...one.post });
    const endsAtMs = nowMs + one.lastsMs;
    const startsAtMs = Math.min(nowMs, endsAtMs);
    const annotations = labelsFrom({});
    await w.dispatcher.receive([{ labels: set, annotations, startsAtMs, endsAtMs, generatorUrl: '' }], nowMs);
  } else if ('silence' in one) {
    const startsAtMs = nowMs + one.inMs;
    const endsAtMs = startsAtMs + one.lastsMs;
    await w.dispatcher.setSilence({
      matchers: one.silence,
      startsAtMs,
      endsAtMs,
      createdBy: 'me',
      comment: '',
    });
  } else if ('change' in one) {
    const known = silences[one.change % Math.max(1, silences.length)];
    if (known !== undefined) await w.dispatcher.setSilence({ ...known, endsAtMs: nowMs + one.lastsMs });
  } else if ('expire' in one) {
    const known = silences[one.expire % Math.max(1, silences.length)];
    if (known !== undefined) await w.dispatcher.expireSilence(known.id);
  } else if ('restart' in one) {
    await w.restart();
  }
}
