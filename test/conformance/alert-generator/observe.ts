// Runs a script against the program and keeps what could be seen after each evaluation; and what must have been sent, worked
// out from the specification alone.

import type { AlertJson, RuleGroupJson } from '../../../src/api/contract.ts';
import { type Episode, type Script, TICK_MS } from './scripts.ts';
import { type SentAlert, startWorld } from './world.ts';

/** An ALERTS series with its samples since the evaluation before. */
export interface SeriesSeen {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly (readonly [seconds: number, value: string])[];
}

export interface Seen {
  readonly tick: number;
  /** Of the evaluation. */
  readonly atMs: number;
  readonly alerts: readonly AlertJson[];
  readonly group: RuleGroupJson;
  readonly series: readonly SeriesSeen[];
  /** With this evaluation. */
  readonly sent: readonly SentAlert[];
  /** Between the evaluation before and this one. */
  readonly sentBetween: readonly SentAlert[];
}

export interface Observation {
  readonly script: Script;
  readonly seen: readonly Seen[];
  readonly bodies: readonly string[];
}

/** Samples come a moment before each evaluation. */
const SAMPLE_AHEAD_MS = 1000;

export async function observe(rules: string, script: Script): Promise<Observation> {
  const { group } = script;
  const world = await startWorld(rules);
  // Evaluations before the first sample have nothing to say.
  await world.untilNext(group, TICK_MS);
  const seen: Seen[] = [];
  for (let tick = 0; tick < script.ticks; tick++) {
    const before = world.sent.length;
    await world.clock.advance(TICK_MS - SAMPLE_AHEAD_MS);
    await world.push(script.samples(tick));
    await world.clock.advance(SAMPLE_AHEAD_MS - 1);
    const between = world.sent.length;
    const atMs = await world.untilNext(group, TICK_MS);
    const series = await world.query(`ALERTS{rulegroup="${group}"}[${TICK_MS / 1000 - 1}s]`);
    if (series.resultType !== 'matrix') throw new Error(`${series.resultType} instead of a matrix`);
    const ours = ({ labels }: { readonly labels: Readonly<Record<string, string>> }): boolean =>
      labels['rulegroup'] === group;
    seen.push({
      tick,
      atMs,
      alerts: (await world.alerts()).filter(ours),
      group: await world.group(group),
      series: series.result.map(({ metric, values }) => ({ labels: metric, samples: values ?? [] })),
      sent: world.sent.slice(between).filter(ours),
      sentBetween: world.sent.slice(before, between).filter(ours),
    });
  }
  const { bodies } = world;
  await world.stop();
  return { script, seen, bodies };
}

export function stateAt(episode: Episode, tick: number): 'pending' | 'firing' | 'inactive' {
  const { pendingAt, firingAt = Number.POSITIVE_INFINITY, resolvedAt } = episode;
  if (tick < pendingAt || tick >= resolvedAt) return 'inactive';
  return tick >= firingAt ? 'firing' : 'pending';
}

/** Of the clauses on resending: "more than ResendDelay" after the last time, at the next evaluation. */
const RESEND_DELAY_MS = 60_000;
/** How long the end of an alert is told. At fifteen minutes to the second Prometheus tells it, too. */
const RESOLVED_MS = 15 * 60_000;

export interface Expected {
  readonly episode: Episode;
  readonly state: 'firing' | 'resolved';
}

/** What must be sent with each tick, of each alert. */
export function expectedSends(script: Script): readonly (readonly Expected[])[] {
  const byTick: Expected[][] = Array.from({ length: script.ticks }, () => []);
  for (const episode of script.episodes) {
    if (episode.firingAt === undefined) continue;
    const next = script.episodes.find(
      one => one.pendingAt >= episode.resolvedAt && sameLabels(one.labels, episode.labels),
    );
    let lastMs = Number.NEGATIVE_INFINITY;
    let told: Expected['state'] | undefined;
    for (
      let tick = episode.firingAt;
      tick < Math.min(script.ticks, next?.pendingAt ?? script.ticks);
      tick++
    ) {
      const state = tick < episode.resolvedAt ? 'firing' : 'resolved';
      const nowMs = tick * TICK_MS;
      const goneMs = nowMs - episode.resolvedAt * TICK_MS;
      if (goneMs > RESOLVED_MS) break;
      if (state === told && nowMs - lastMs <= RESEND_DELAY_MS) continue;
      byTick[tick]?.push({ episode, state });
      told = state;
      lastMs = nowMs;
    }
  }
  return byTick;
}

export function sameLabels(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every(name => a[name] === b[name]);
}
