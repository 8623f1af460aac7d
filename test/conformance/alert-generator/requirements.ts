// The sentences of the specification that ask for something, and the proof of each. What the exact comparisons of the scripts
// show as well is looked at here once more by itself, so that each sentence has a test that fails with it.

import { expect } from 'vitest';
import { parse } from 'yaml';
import {
  type Evidence,
  episodeOf,
  everyEpisode,
  everySent,
  gaps,
  isResolved,
  observationOf,
  type Proof,
  same,
} from './evidence.ts';
import { load, TEMPLATES } from './more.ts';
import { stateAt } from './observe.ts';
import { TICK_MS } from './scripts.ts';

const MILLIS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

// --- proofs ----------------------------------------------------------------------------------------

const allGroupsRan: Proof = ({ rules, observations }) => {
  const { groups } = parse(rules) as { readonly groups: readonly { readonly name: string }[] };
  expect(observations.map(({ script }) => script.group).sort()).toEqual(
    groups.map(({ name }) => name).sort(),
  );
};
const sentFormat: Proof = evidence =>
  everySent(evidence, sent => {
    expect(Object.keys(sent).sort()).toEqual(
      ['annotations', 'atMs', 'endsAt', 'generatorURL', 'labels', 'startsAt'].sort(),
    );
    expect(sent.startsAt).toMatch(MILLIS);
    expect(sent.endsAt).toMatch(MILLIS);
    for (const value of [...Object.values(sent.labels), ...Object.values(sent.annotations)])
      expect(typeof value).toBe('string');
  });
const payload: Proof = ({ observations }) => {
  for (const body of observations.flatMap(({ bodies }) => bodies)) {
    const read = JSON.parse(body) as unknown;
    expect(Array.isArray(read)).toBe(true);
  }
};
const sentLabels: Proof = evidence =>
  everySent(evidence, (sent, seen, observation) =>
    expect(sent.labels).toEqual(episodeOf(sent, seen, observation).labels),
  );
const sentAnnotations: Proof = evidence =>
  everySent(evidence, (sent, seen, observation) => {
    const episode = episodeOf(sent, seen, observation);
    expect(sent.annotations).toEqual(episode.annotations(Math.min(seen.tick, episode.resolvedAt - 1)));
  });
const startsAt: Proof = evidence =>
  everySent(evidence, (sent, seen, observation) => {
    const firedAt = episodeOf(sent, seen, observation).firingAt ?? -1;
    expect(Date.parse(sent.startsAt)).toBe(observation.seen[firedAt]?.atMs);
  });
const endsAtResolved: Proof = evidence =>
  everySent(evidence, (sent, seen, observation) => {
    const { resolvedAt } = episodeOf(sent, seen, observation);
    if (seen.tick >= resolvedAt) expect(Date.parse(sent.endsAt)).toBe(observation.seen[resolvedAt]?.atMs);
  });
/** "StartsAt" of the sentence is the time of sending: a fixed end would resolve every alert after four minutes. */
const endsAtFiring: Proof = evidence =>
  everySent(evidence, (sent, seen, observation) => {
    if (seen.tick >= episodeOf(sent, seen, observation).resolvedAt) return;
    expect(Date.parse(sent.endsAt) - seen.atMs).toBe(4 * 60_000);
  });
const endsWhenInactive: Proof = evidence =>
  everySent(evidence, (sent, seen, observation) =>
    expect(isResolved(sent, seen)).toBe(seen.tick >= episodeOf(sent, seen, observation).resolvedAt),
  );
const generatorUrl: Proof = evidence =>
  everySent(evidence, (sent, _, { seen: all }) => {
    const expr = all[0]?.group.rules.find(rule => rule.name === sent.labels['alertname'])?.query ?? '';
    const url = new URL(sent.generatorURL);
    expect(url.pathname).toBe('/graph');
    expect(url.searchParams.get('g0.expr')).toBe(expr);
  });
const exampleLoads: Proof = ({ specification, rules }) => {
  const blocks = [...specification.matchAll(/```yaml\n([\s\S]*?)```/g)].map(match => match[1] ?? '');
  const example = blocks.find(block => block.startsWith('groups:\n- name'));
  for (const text of [rules, example ?? '-']) {
    const read = load(text);
    expect(read.diagnostics).toEqual([]);
    expect(read.file?.groups.length).toBeGreaterThan(0);
  }
};
const jsonLoads: Proof = ({ rules }) => {
  const fromJson = load(JSON.stringify(parse(rules)));
  expect(fromJson.diagnostics).toEqual([]);
  const names = (read: ReturnType<typeof load>) =>
    read.file?.groups.flatMap(group => group.rules.map(rule => [group.name, rule.id.name, rule.expr]));
  expect(names(fromJson)).toEqual(names(load(rules)));
};
const uniqueGroups: Proof = () => {
  const read = load('groups: [{ name: a }, { name: a }]');
  expect(read.file).toBeUndefined();
  expect(read.diagnostics[0]?.code).toBe('rules-duplicate-group');
};
const alertNames: Proof = () => {
  const named = (name: string) => load(`groups: [{ name: g, rules: [{ alert: "${name}", expr: up }] }]`);
  expect(named('Any name, 也可以').diagnostics).toEqual([]);
  expect(named('\\ud800').file).toBeUndefined();
};
const laterRules: Proof = ({ observations }) => {
  const { script, seen } = observationOf(observations, 'NewAlerts_OrderCheck');
  const second = script.episodes.find(({ rule }) => rule.endsWith('Rule2'));
  const first = script.episodes.filter(({ rule }) => rule.endsWith('Rule1'));
  // It fires with the very evaluation in which the second alert of the first rule begins to.
  expect(second?.firingAt).toBe(Math.max(...first.map(({ firingAt }) => firingAt ?? 0)));
  expect(seen[second?.firingAt ?? 0]?.group.rules[1]?.state).toBe('firing');
  expect(seen[(second?.firingAt ?? 0) - 1]?.group.rules[1]?.state).toBe('inactive');
};
const ruleOrder: Proof = ({ rules, observations }) => {
  const { groups } = parse(rules) as {
    readonly groups: readonly {
      readonly name: string;
      readonly rules: readonly { readonly alert: string }[];
    }[];
  };
  for (const group of groups)
    for (const seen of observationOf(observations, group.name).seen)
      expect(seen.group.rules.map(({ name }) => name)).toEqual(group.rules.map(({ alert }) => alert));
};
const templates: Proof = ({ more }) => {
  const wanted = (TEMPLATES['needed'] ?? []).map(([, text]) => text);
  expect(more.expanded.slice(0, wanted.length)).toEqual(wanted);
};
const optionalTemplates: Proof = ({ more }) => {
  const skipped = (TEMPLATES['needed'] ?? []).length;
  expect(more.expanded.slice(skipped)).toEqual((TEMPLATES['optional'] ?? []).map(([, text]) => text));
};
const instantQuery: Proof = ({ observations }) => {
  for (const { script, seen } of observations) {
    for (const { tick, alerts } of seen) {
      for (const alert of alerts) {
        const episode = script.episodes.find(
          one => same(one.labels, alert.labels) && stateAt(one, tick) !== 'inactive',
        );
        expect(Number(alert.value)).toBe(episode?.value(tick));
      }
    }
  }
};
const intervals: Proof = ({ observations, more }) => {
  for (const { seen } of observations) {
    for (let i = 1; i < seen.length; i++) {
      const [before, after] = [seen[i - 1], seen[i]];
      expect(
        Date.parse(after?.group.lastEvaluation ?? '') - Date.parse(before?.group.lastEvaluation ?? ''),
      ).toBe(TICK_MS);
    }
  }
  expect(more.byDefault.interval).toBe(60);
};
const distinctAlerts: Proof = ({ observations }) => {
  const { seen } = observationOf(observations, 'NewAlerts_OrderCheck');
  const [rule] = seen[20]?.group.rules ?? [];
  expect(rule?.alerts?.map(({ labels }) => labels['variant']).sort()).toEqual(['one', 'two']);
};
const namedLabels = ({ more }: Evidence): Readonly<Record<string, string>> =>
  more.labels.rules.find(({ name }) => name === 'Named')?.alerts?.[0]?.labels ?? {};
const ruleLabels: Proof = evidence => expect(namedLabels(evidence)['severity']).toBe('page-low');
const alertname: Proof = evidence => expect(namedLabels(evidence)['alertname']).toBe('Named');
const uniqueAlerts: Proof = ({ observations }) => {
  for (const seen of observations.flatMap(one => one.seen)) {
    const keys = seen.alerts.map(({ labels }) => JSON.stringify(Object.entries(labels).sort()));
    expect(new Set(keys).size).toBe(keys.length);
  }
};
const states: Proof = ({ observations }) => {
  const found = new Set(
    observations.flatMap(one => one.seen.flatMap(({ alerts }) => alerts.map(({ state }) => state))),
  );
  expect([...found].sort()).toEqual(['firing', 'pending']);
  const ofRules = observations.flatMap(one =>
    one.seen.flatMap(({ group }) => group.rules.map(({ state }) => state)),
  );
  expect([...new Set(ofRules)].sort()).toEqual(['firing', 'inactive', 'pending']);
};
/** States, series and what is sent are of one evaluation: none lags behind the others. */
const oneEvaluation: Proof = evidence =>
  everySent(evidence, (sent, seen) => {
    const shown = seen.alerts.find(({ labels }) => same(labels, sent.labels));
    const series = seen.series.find(({ labels }) => labels['alertname'] === sent.labels['alertname']);
    expect(shown?.state).toBe(isResolved(sent, seen) ? undefined : 'firing');
    if (!isResolved(sent, seen)) expect(series?.labels['alertstate']).toBeDefined();
  });
const equalAlerts: Proof = ({ more }) => {
  expect(more.sent.some(({ labels }) => labels['alertname'] === 'Twice')).toBe(false);
  expect(more.series.some(({ labels }) => labels['alertname'] === 'Twice')).toBe(false);
  expect(more.sent.some(({ labels }) => labels['alertname'] === 'Named')).toBe(true);
};
const errorShown: Proof = ({ more }) => {
  const rule = more.labels.rules.find(({ name }) => name === 'Twice');
  expect(rule?.health).toBe('err');
  expect(rule?.lastError).toContain('same labelset');
  expect(rule?.alerts).toEqual([]);
};
const startsPending: Proof = evidence =>
  everyEpisode(evidence, (episode, observation, alertAt) => {
    if (episode.firingAt === episode.pendingAt) return;
    expect(alertAt(episode.pendingAt)?.state).toBe('pending');
    expect(Date.parse(alertAt(episode.pendingAt)?.activeAt ?? '')).toBe(
      observation.seen[episode.pendingAt]?.atMs,
    );
  });
const staysPending: Proof = evidence =>
  everyEpisode(evidence, (episode, _, alertAt) => {
    for (let tick = episode.pendingAt; tick < (episode.firingAt ?? episode.resolvedAt); tick++)
      expect(alertAt(tick)?.state).toBe('pending');
  });
const annotationsChange: Proof = ({ observations }) => {
  const { seen } = observationOf(observations, 'PendingAndFiringAndResolved');
  // While it is pending, and while it fires.
  expect([9, 10, 19, 20].map(tick => seen[tick]?.alerts[0]?.annotations['summary'])).toEqual([
    'The value is 15 15',
    'The value is 19 19',
    'The value is 19 19',
    'The value is 21 21',
  ]);
};
const firesInTime: Proof = evidence =>
  everyEpisode(evidence, (episode, _, alertAt) => {
    if (episode.firingAt === undefined) return;
    expect(alertAt(episode.firingAt)?.state).toBe('firing');
    expect(alertAt(episode.firingAt - 1)?.state).not.toBe('firing');
  });
const zeroFor: Proof = ({ observations }) => {
  const { seen } = observationOf(observations, 'ZeroFor_SmallFor');
  const [rule] = seen[4]?.group.rules ?? [];
  expect(rule?.alerts?.map(({ state, activeAt }) => [state, Date.parse(activeAt)])).toEqual([
    ['firing', seen[4]?.atMs],
  ]);
};
const smallFor: Proof = ({ observations }) => {
  const { seen } = observationOf(observations, 'ZeroFor_SmallFor');
  expect([3, 4, 5].map(tick => seen[tick]?.group.rules[1]?.state)).toEqual(['inactive', 'pending', 'firing']);
  const sent = seen.filter(one =>
    one.sent.some(({ labels }) => labels['alertname']?.endsWith('SmallFor_SmallFor')),
  );
  expect(sent[0]?.tick).toBe(5);
};
const endsAtOnce: Proof = evidence =>
  everyEpisode(evidence, (episode, _, alertAt) => {
    expect(alertAt(episode.resolvedAt - 1)).toBeDefined();
    expect(alertAt(episode.resolvedAt)).toBeUndefined();
  });
const newAlert: Proof = ({ observations }) => {
  const { seen } = observationOf(observations, 'ZeroFor_SmallFor');
  const starts = seen
    .flatMap(one => one.sent)
    .filter(({ labels }) => labels['alertname']?.endsWith('ZeroFor'));
  expect([...new Set(starts.map(({ startsAt: from }) => Date.parse(from)))]).toEqual([
    seen[4]?.atMs,
    seen[46]?.atMs,
  ]);
  const never = observationOf(observations, 'PendingAndResolved_AlwaysInactive').seen;
  expect([4, 15].map(tick => Date.parse(never[tick]?.alerts[0]?.activeAt ?? ''))).toEqual([
    never[4]?.atMs,
    never[15]?.atMs,
  ]);
};
const timesSetAnew: Proof = ({ observations }) => {
  const { seen } = observationOf(observations, 'ZeroFor_SmallFor');
  const ends = seen
    .flatMap(one => one.sent.filter(sent => isResolved(sent, one)))
    .filter(({ labels }) => labels['alertname']?.endsWith('ZeroFor'))
    .map(({ endsAt }) => Date.parse(endsAt));
  expect([...new Set(ends)]).toEqual([seen[10]?.atMs, seen[61]?.atMs]);
};
const series: Proof = ({ observations }) => {
  for (const { seen } of observations) {
    for (const one of seen) {
      expect(one.series).toHaveLength(one.alerts.length);
      for (const { samples } of one.series) expect(samples).toEqual([[one.atMs / 1000, '1']]);
    }
  }
};
const seriesLabels: Proof = ({ observations }) => {
  for (const { seen } of observations) {
    for (const one of seen) {
      for (const { labels, state } of one.alerts) {
        const wanted = { ...labels, __name__: 'ALERTS', alertstate: state };
        expect(one.series.some(found => same(found.labels, wanted))).toBe(true);
      }
    }
  }
};
const seriesOverride: Proof = ({ more }) => {
  const found = more.series.filter(({ labels }) => labels['alertname'] === 'Named');
  expect(found.map(({ labels }) => labels)).toEqual([
    { __name__: 'ALERTS', alertname: 'Named', alertstate: 'firing', kind: 'named', severity: 'page-low' },
  ]);
};
const noSeriesWhenInactive: Proof = evidence =>
  everyEpisode(evidence, (episode, { seen }) => {
    const name = episode.labels['alertname'];
    const one = seen[episode.resolvedAt];
    const variant = episode.labels['variant'];
    expect(
      one?.series.some(({ labels }) => labels['alertname'] === name && labels['variant'] === variant),
    ).toBe(false);
  });
const neverSentPending: Proof = evidence => {
  everySent(evidence, (sent, seen) =>
    expect(seen.alerts.find(({ labels }) => same(labels, sent.labels))?.state).not.toBe('pending'),
  );
  const { seen } = observationOf(evidence.observations, 'PendingAndResolved_AlwaysInactive');
  expect(seen.flatMap(one => one.sent)).toEqual([]);
};
const sentWithEvaluations: Proof = ({ observations }) => {
  for (const { seen } of observations) for (const one of seen) expect(one.sentBetween).toEqual([]);
};
const resendDelay: Proof = ({ more, observations }) => {
  // Twenty seconds: each evaluation of half a minute is later than that.
  const times = more.sent.filter(({ labels }) => labels['alertname'] === 'Named').map(({ atMs }) => atMs);
  expect(times.length).toBeGreaterThan(3);
  for (let i = 1; i < times.length; i++) expect((times[i] ?? 0) - (times[i - 1] ?? 0)).toBe(TICK_MS);
  expect(observations.length).toBeGreaterThan(0);
};
const firingSent: Proof = evidence =>
  everyEpisode(evidence, (episode, { seen }) => {
    const { firingAt } = episode;
    if (firingAt === undefined) return;
    expect(seen[firingAt]?.sent.some(({ labels }) => same(labels, episode.labels))).toBe(true);
  });
/** At an exact multiple the two clauses on the interval contradict each other; "more than" is what Prometheus does. */
const firingInterval: Proof = evidence => expect(new Set(gaps(evidence, false))).toEqual(new Set([3]));
const resolvedInterval: Proof = evidence => expect(new Set(gaps(evidence, true))).toEqual(new Set([3]));
const bothIntervals: Proof = evidence => {
  firingInterval(evidence);
  resolvedInterval(evidence);
};
const resolvedSent: Proof = evidence =>
  everyEpisode(evidence, (episode, { seen }) => {
    if (episode.firingAt === undefined) return;
    const sent = seen[episode.resolvedAt]?.sent.find(({ labels }) => same(labels, episode.labels));
    expect(Date.parse(sent?.endsAt ?? '')).toBe(seen[episode.resolvedAt]?.atMs);
  });
const resolvedUntil: Proof = evidence => {
  resolvedInterval(evidence);
  const { seen } = observationOf(evidence.observations, 'PendingAndFiringAndResolved');
  const last = seen.filter(({ sent }) => sent.length > 0).at(-1)?.tick ?? 0;
  // Fifteen minutes are thirty ticks; it ended at the thirty-fourth.
  expect(last).toBe(64);
};
const healthValues: Proof = ({ observations, more }) => {
  const found = [...observations.flatMap(one => one.seen.map(({ group }) => group)), more.labels].flatMap(
    ({ rules }) => rules.map(({ health }) => health),
  );
  expect([...new Set(found)].sort()).toEqual(['err', 'ok']);
};
const noError: Proof = ({ observations }) => {
  for (const rule of observations.flatMap(one => one.seen.flatMap(({ group }) => group.rules)))
    expect(rule.lastError ?? '').toBe('');
};
const rulesApi: Proof = ({ observations }) => {
  for (const { group } of observations.flatMap(one => one.seen)) {
    expect(group).toMatchObject({ name: expect.any(String), interval: expect.any(Number) });
    expect(Date.parse(group.lastEvaluation)).not.toBeNaN();
    for (const rule of group.rules) {
      expect(rule).toMatchObject({
        type: 'alerting',
        name: expect.any(String),
        query: expect.any(String),
        duration: expect.any(Number),
        labels: expect.any(Object),
        annotations: expect.any(Object),
        evaluationTime: expect.any(Number),
        health: expect.any(String),
        state: expect.any(String),
        alerts: expect.any(Array),
      });
    }
  }
};
const alertsApi: Proof = ({ observations }) => {
  for (const { alerts, group } of observations.flatMap(one => one.seen)) {
    const ofRules = group.rules.flatMap(rule => rule.alerts ?? []);
    expect(alerts).toHaveLength(ofRules.length);
    expect(alerts).toEqual(expect.arrayContaining([...ofRules]));
    for (const alert of alerts) {
      expect(Date.parse(alert.activeAt)).not.toBeNaN();
      expect(Number(alert.value)).not.toBeNaN();
    }
  }
};

/** By the beginning of the sentence, which no other has. */
export const REQUIREMENTS: readonly (readonly [begins: string, proof: Proof])[] = [
  ['Software MUST pass the test suite', allGroupsRan],
  ['An alert in JSON MUST follow', sentFormat],
  ['* `labels`: MUST be present', sentLabels],
  ['* `annotations`: MUST be present', sentAnnotations],
  ['* `startsAt`: SHOULD be present', startsAt],
  ['* `endsAt`: SHOULD be present', endsAtFiring],
  ['It is the time when the alert MUST be considered', endsWhenInactive],
  ['* `generatorURL`: SHOULD be present', generatorUrl],
  ['The alert-generator MUST accept the Prometheus style', exampleLoads],
  ['It MUST be in either YAML format', jsonLoads],
  ['MUST be unique within a file', uniqueGroups],
  ['MUST be a valid label value', alertNames],
  ['Results of a rule evaluation MUST be available', laterRules],
  ['The order of rules MUST be the same', ruleOrder],
  ['Labels and annotations in alerting rules MUST support', templates],
  ['The config MUST NOT be rejected', optionalTemplates],
  ['They MUST result in an empty string if not supported', optionalTemplates],
  ['The PromQL expression `expr` of the alerting rule MUST', instantQuery],
  ['This MUST be done at regular intervals', intervals],
  ['Each element in the result vector', distinctAlerts],
  ['Then the corresponding alerts produced', distinctAlerts],
  ['The labels and annotation templates from the alerting rule MUST be run', templates],
  ['The output of the template execution MUST be added', annotationsChange],
  ['Labels from template execution MUST override', ruleLabels],
  ['The alert name from the alerting rule', alertname],
  ['It MUST override any existing `alertname`', alertname],
  ['The labels of the alert at the end of step 3 MUST uniquely', uniqueAlerts],
  ['Alert MUST be in `pending`, `firing` or `inactive` state', states],
  ['The [“`pending` State Conditions”]', oneEvaluation],
  ['The execution of an alerting rule MUST error out', equalAlerts],
  ['This error MUST be reflected', errorShown],
  ['Alerts MUST start in `pending` state', startsPending],
  ['The alert MUST stay in `pending` state', staysPending],
  ['If the annotation values change', annotationsChange],
  ['If the difference between the current evaluation time', firesInTime],
  ['For a zero `for` duration', zeroFor],
  ['For a non-zero `for` duration that is less', smallFor],
  ['If an existing `pending` or `firing` state alert', endsAtOnce],
  ['Any alerts in future evaluations', newAlert],
  ['The `ActiveAt` and `ResolvedAt` MUST be set again', timesSetAnew],
  ['`pending` and `firing` state alerts), the alert-generator MUST produce', series],
  ['The sample MUST be immediately available', laterRules],
  ['Series labels (sorted) MUST have these labels only', seriesLabels],
  ['The `alertstate` MUST be', seriesLabels],
  ['The `__name__` and `alertstate` labels MUST override', seriesOverride],
  ['Series MUST NOT be created for an alert', noSeriesWhenInactive],
  ['Alert-generators MUST send only', neverSentPending],
  ['The alerts MUST be sent only after', sentWithEvaluations],
  ['The [“Conditions for Sending `firing` Alerts”]', oneEvaluation],
  ['The `ResendDelay` used for resending', resendDelay],
  ['`firing` alerts MUST be sent', firingSent],
  ['This implies that the `firing` alert MUST be sent continuously', firingInterval],
  ['`ResendDelay` acts as a minimum interval', bothIntervals],
  ['`inactive` alerts MUST be sent', resolvedSent],
  ['This implies that the `inactive` alert MUST be sent continuously', resolvedUntil],
  ['The alerts can be sent out in any format', payload],
  ['Where the structure of each', sentFormat],
  ['The parameters of each alert MUST be set', sentLabels],
  ['* `labels`: MUST be the same as labels', sentLabels],
  ['* `annotations`: MUST be the same as', sentAnnotations],
  ['* `startsAt`: MUST be set to the `FiredAt`', startsAt],
  ['* If the alert is `inactive`', endsAtResolved],
  ['* If the alert is `firing`', endsAtFiring],
  ['* `generatorURL`: It SHOULD be set', generatorUrl],
  ['The alert-generator MUST support the `GET /api/v1/rules`', rulesApi],
  ['The API MUST return a JSON', alertsApi],
  ['It MUST be one of `"ok"`', healthValues],
  ['* `lastError` MUST be omitted', noError],
  ['`lastError` MUST be non empty', errorShown],
  ['* `state` MUST be one of', states],
  ['The alert-generator MUST support the `GET /api/v1/alerts`', alertsApi],
];
