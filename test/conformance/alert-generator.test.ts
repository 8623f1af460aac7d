// What the specification of alert generators asks: each rule group of its suite as a script on the fake clock, and each of
// its sentences with MUST or SHOULD with a proof.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { describeCorpus, reportCases } from '../support/corpora.ts';
import { sentencesOf } from './alert-generator/evidence.ts';
import { type More, observeMore } from './alert-generator/more.ts';
import { expectedSends, type Observation, observe, stateAt } from './alert-generator/observe.ts';
import { REQUIREMENTS } from './alert-generator/requirements.ts';
import { SCRIPTS, TICK_MS } from './alert-generator/scripts.ts';

interface SuiteGroup {
  readonly name: string;
  readonly interval: string;
  readonly rules: readonly {
    readonly alert: string;
    readonly expr: string;
    readonly for?: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

const SECONDS: Readonly<Record<string, number>> = { '3m': 180, '6m': 360, '15s': 15 };

const byLabels = (a: { readonly labels: object }, b: { readonly labels: object }): number =>
  JSON.stringify(Object.entries(a.labels).sort()) < JSON.stringify(Object.entries(b.labels).sort()) ? -1 : 1;

describeCorpus('compliance/alert_generator', folder => {
  const text = readFileSync(join(folder, 'rules.yaml'), 'utf8');
  const { groups } = parse(text) as { readonly groups: readonly SuiteGroup[] };
  const observations = new Map<string, Observation>();

  beforeAll(async () => {
    for (const script of SCRIPTS) observations.set(script.group, await observe(text, script));
  }, 300_000);

  it('each of its groups has a script', () => {
    expect(groups.map(({ name }) => name).sort()).toEqual(SCRIPTS.map(({ group }) => group).sort());
  });

  describe.each(groups)('$name', group => {
    const observation = (): Observation => {
      const found = observations.get(group.name);
      if (found === undefined) throw new Error(`${group.name} was not run`);
      return found;
    };
    const activeAt = (tick: number, rule?: string) =>
      observation()
        .script.episodes.filter(
          one => stateAt(one, tick) !== 'inactive' && (rule === undefined || one.rule === rule),
        )
        .map(episode => ({
          labels: episode.labels,
          annotations: episode.annotations(tick),
          state: stateAt(episode, tick),
          value: episode.value(tick),
          activeAt: new Date(observation().seen[episode.pendingAt]?.atMs ?? 0).toISOString(),
        }))
        .sort(byLabels);

    it('GET /api/v1/alerts has what is pending or firing after each evaluation', () => {
      for (const { tick, alerts } of observation().seen) {
        const shown = alerts.map(one => ({ ...one, value: Number(one.value) })).sort(byLabels);
        expect({ tick, alerts: shown }).toEqual({ tick, alerts: activeAt(tick) });
      }
    });

    it('GET /api/v1/rules has the rules as they are written, with their states and alerts', () => {
      for (const { tick, atMs, group: shown } of observation().seen) {
        expect(shown).toMatchObject({
          name: group.name,
          interval: TICK_MS / 1000,
          lastEvaluation: new Date(atMs).toISOString(),
        });
        const rules = group.rules.map(rule => {
          const alerts = activeAt(tick, rule.alert);
          const firing = alerts.some(({ state }) => state === 'firing');
          return {
            type: 'alerting',
            name: rule.alert,
            query: rule.expr,
            duration: SECONDS[rule.for ?? ''] ?? 0,
            labels: rule.labels,
            annotations: rule.annotations,
            health: 'ok',
            state: firing ? 'firing' : alerts.length > 0 ? 'pending' : 'inactive',
            lastEvaluation: new Date(atMs).toISOString(),
            alerts,
          };
        });
        const found = shown.rules.map(rule => ({
          ...rule,
          alerts: rule.alerts?.map(one => ({ ...one, value: Number(one.value) })).sort(byLabels),
        }));
        expect({ tick, rules: found }).toMatchObject({ tick, rules });
        for (const rule of found) {
          expect(rule).not.toHaveProperty('lastError');
          expect(rule.evaluationTime).toBeGreaterThanOrEqual(0);
        }
      }
    });

    it('ALERTS has a sample of 1 at the time of the evaluation for each of them, and nothing else', () => {
      for (const { tick, atMs, series } of observation().seen) {
        const expected = activeAt(tick).map(({ labels, state }) => ({
          labels: { ...labels, __name__: 'ALERTS', alertstate: state },
          samples: [[atMs / 1000, '1']],
        }));
        expect({ tick, series: [...series].sort(byLabels) }).toEqual({
          tick,
          series: expected.sort(byLabels),
        });
      }
    });

    it('the Alertmanager gets what fires and what ended, with each time that it has to have', () => {
      const { script, seen } = observation();
      const expected = expectedSends(script);
      for (const { tick, atMs, sent, sentBetween } of seen) {
        expect({ tick, sentBetween }).toEqual({ tick, sentBetween: [] });
        const wanted = (expected[tick] ?? []).map(({ episode, state }) => ({
          labels: episode.labels,
          annotations: episode.annotations(state === 'firing' ? tick : episode.resolvedAt - 1),
          startsAt: new Date(seen[episode.firingAt ?? 0]?.atMs ?? 0).toISOString(),
          endsAt: new Date(
            state === 'firing' ? atMs + 240_000 : (seen[episode.resolvedAt]?.atMs ?? 0),
          ).toISOString(),
        }));
        const got = sent.map(({ labels, annotations, startsAt, endsAt }) => ({
          labels,
          annotations,
          startsAt,
          endsAt,
        }));
        expect({ tick, sent: got.sort(byLabels) }).toEqual({ tick, sent: wanted.sort(byLabels) });
      }
    });
  });

  describe('the specification', () => {
    const specification = readFileSync(join(folder, 'specification.md'), 'utf8');
    const sentences = sentencesOf(specification);
    let more: More | undefined;

    beforeAll(async () => {
      more = await observeMore();
    }, 120_000);

    it('each of its sentences has a proof, and each proof a sentence', () => {
      const open = sentences.filter(one => !REQUIREMENTS.some(([begins]) => one.startsWith(begins)));
      const idle = REQUIREMENTS.filter(([begins]) => !sentences.some(one => one.startsWith(begins)));
      expect({ open, idle: idle.map(([begins]) => begins) }).toEqual({ open: [], idle: [] });
      reportCases('alert_generator specification', { files: 1, cases: sentences.length });
    });

    it.each(sentences.map((sentence, i) => [`${i + 1}. ${sentence}`, sentence] as const))(
      '%s',
      (_, sentence) => {
        const proofs = REQUIREMENTS.filter(([begins]) => sentence.startsWith(begins));
        if (more === undefined) throw new Error('nothing was observed');
        for (const [, proof] of proofs)
          proof({ rules: text, specification, observations: [...observations.values()], more });
        expect(proofs.length).toBeGreaterThan(0);
      },
    );
  });

  it('ran all groups', () => {
    const ticks = [...observations.values()].reduce((sum, { seen }) => sum + seen.length, 0);
    const sent = [...observations.values()].flatMap(({ seen }) => seen.flatMap(one => one.sent)).length;
    reportCases(`alert_generator (${ticks} evaluations, ${sent} alerts sent)`, {
      files: 1,
      cases: groups.length * 4,
    });
  });
});
