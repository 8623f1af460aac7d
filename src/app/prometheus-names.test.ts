import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MetricRegistry } from '../model/index.ts';
import { withPrometheusNames } from './prometheus-names.ts';

it('what has a name of Prometheus stands under both, labels and all, and the reference page lists it', () => {
  const registry = new MetricRegistry();
  registry.counter('watchkeeper_rule_evaluations_total', 'Evaluations.').add(3, { rule_group: 'r.yml;g' });
  registry.counter('watchkeeper_other_total', 'Other.').add(1);
  const names = withPrometheusNames(registry.families()).map(
    ({ name, samples }) => `${name} ${samples[0]?.value}`,
  );
  expect(names).toEqual([
    'watchkeeper_rule_evaluations_total 3',
    'watchkeeper_other_total 1',
    'prometheus_rule_evaluations_total 3',
  ]);
  const page = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8');
  const listed = [...page.matchAll(/^\| `(watchkeeper_\w+)` \| `(prometheus_\w+)` \|$/gm)];
  const families = listed.map(
    ([, own]) => ({ name: own ?? '', type: 'gauge', help: '', samples: [] }) as const,
  );
  const also = withPrometheusNames(families).slice(families.length);
  expect(also.map(({ name }) => name)).toEqual(listed.map(([, , theirs]) => theirs));
  expect(listed.length).toBeGreaterThan(10);
});
