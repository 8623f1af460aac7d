// What the proofs look at, and the ways of looking at it.

import { expect } from 'vitest';
import type { More } from './more.ts';
import type { Observation, Seen } from './observe.ts';
import type { Episode } from './scripts.ts';
import type { SentAlert } from './world.ts';

export interface Evidence {
  readonly rules: string;
  readonly specification: string;
  readonly observations: readonly Observation[];
  readonly more: More;
}

export type Proof = (evidence: Evidence) => void;

/** Sentences with MUST or SHOULD, as they stand; one that comes twice is there twice. */
export function sentencesOf(specification: string): readonly string[] {
  return specification
    .split('\n')
    .flatMap(line => line.trim().split(/(?<=[.!])\s+(?=[A-Z`“])/))
    .filter(sentence => /\b(MUST|SHOULD)\b/.test(sentence));
}

export function everySent(
  { observations }: Evidence,
  check: (sent: SentAlert, seen: Seen, of: Observation) => void,
): void {
  let count = 0;
  for (const observation of observations) {
    for (const seen of observation.seen) {
      for (const sent of seen.sent) {
        check(sent, seen, observation);
        count++;
      }
    }
  }
  expect(count).toBeGreaterThan(50);
}

export function everyEpisode(
  { observations }: Evidence,
  check: (
    episode: Episode,
    observation: Observation,
    alertAt: (tick: number) => Seen['alerts'][number] | undefined,
  ) => void,
): void {
  for (const observation of observations) {
    for (const episode of observation.script.episodes) {
      check(episode, observation, tick =>
        observation.seen[tick]?.alerts.find(one => same(one.labels, episode.labels)),
      );
    }
  }
}

export function same(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}

export function isResolved({ endsAt }: SentAlert, { atMs }: Seen): boolean {
  return Date.parse(endsAt) <= atMs;
}

/** The episode that an alert on its way belongs to: the one that began last. */
export function episodeOf(sent: SentAlert, seen: Seen, { script }: Observation): Episode {
  const found = script.episodes.filter(
    one => same(one.labels, sent.labels) && one.pendingAt <= seen.tick && one.firingAt !== undefined,
  );
  const episode = found.at(-1);
  if (episode === undefined) throw new Error(`nobody expects ${JSON.stringify(sent.labels)}`);
  return episode;
}

/** Ticks between one word and the next on one state of an episode. */
export function gaps(evidence: Evidence, resolved: boolean): readonly number[] {
  const found: number[] = [];
  everyEpisode(evidence, (episode, { seen }) => {
    const ticks = seen
      .filter(one => one.tick >= episode.pendingAt && one.tick <= episode.resolvedAt + 30)
      .filter(one => one.tick >= episode.resolvedAt === resolved)
      .filter(one => one.sent.some(sent => same(sent.labels, episode.labels)))
      .map(({ tick }) => tick);
    for (let i = 1; i < ticks.length; i++) found.push((ticks[i] ?? 0) - (ticks[i - 1] ?? 0));
  });
  expect(found.length).toBeGreaterThan(5);
  return found;
}

export function observationOf(observations: readonly Observation[], group: string): Observation {
  const found = observations.find(({ script }) => script.group === group);
  if (found === undefined) throw new Error(`${group} was not run`);
  return found;
}
