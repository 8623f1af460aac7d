import { expect, it } from 'vitest';
import type { OperatorJson, QueryPlanJson } from '../../api/index.ts';
import { planText, styleOf } from './index.ts';
import { textWidth } from './width.ts';

const node = (more: Partial<OperatorJson>): OperatorJson => ({
  op: 'call',
  name: 'rate',
  text: '',
  steps: 61,
  series: 1,
  seriesRead: 0,
  samplesRead: 0,
  selfMs: 0.25,
  totalMs: 0.25,
  isShared: false,
  inputs: [],
  ...more,
});

const range = node({
  op: 'select-range',
  name: 'select-range',
  text: 'http_requests_total{job="网站"}\n  [5m]',
  series: 40,
  seriesRead: 40,
  samplesRead: 12_400,
  selfMs: 3.21,
  totalMs: 3.21,
});
const plan: QueryPlanJson = {
  seriesRead: 40,
  samplesRead: 12_400,
  durationMs: 6,
  operators: node({
    op: 'binary',
    name: '/',
    text: 'sum(rate(…)) / sum(rate(…))',
    totalMs: 5.5,
    inputs: [
      node({
        op: 'aggregate',
        name: 'sum',
        text: 'sum(rate(…))',
        totalMs: 4,
        inputs: [node({ text: 'rate(…)', series: 40, inputs: [range] })],
      }),
      node({
        op: 'aggregate',
        name: 'sum',
        text: 'sum(rate(…))',
        inputs: [
          node({ ...range, isShared: true, samplesRead: 0, seriesRead: 0, selfMs: 0.01, totalMs: 0.01 }),
          node({ op: 'number', name: 'number', text: '100' }),
        ],
      }),
    ],
  }),
};

it('a plan is a tree with its figures aligned', () => {
  expect(planText(plan, { width: 120, style: styleOf(false) })).toBe(`\
operator                                                     series  samples  steps  self ms  total ms
/  sum(rate(…)) / sum(rate(…))                                    1        0     61     0.25      5.50
├─ sum  sum(rate(…))                                              1        0     61     0.25      4.00
│  └─ rate  rate(…)                                              40        0     61     0.25      0.25
│     └─ select-range  http_requests_total{job="网站"} [5m]      40   12 400     61     3.21      3.21
└─ sum  sum(rate(…))                                              1        0     61     0.25      0.25
   ├─ select-range  http_requests_total{job="网站"} [5m]         40   shared     61     0.01      0.01
   └─ 100                                                         1        0     61     0.25      0.25
shared: an equal selector above has read it
40 series and 12 400 samples read, 6.00 ms, of these 0.50 ms around the operators
`);
});

it('a plan is cut to the terminal', () => {
  for (const line of planText(plan, { width: 70, style: styleOf(false) })
    .split('\n')
    .slice(0, 8))
    expect(textWidth(line)).toBeLessThanOrEqual(70);
});
