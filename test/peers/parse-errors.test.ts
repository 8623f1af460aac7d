// Damaged expressions to Debian's Prometheus and to our parser: both must refuse the same ones, at the same place.
//
// Prometheus 2.42 tells where an error begins, not where it ends. Passed over is what has changed in the language since.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseExpr } from '../../src/promql/index.ts';
import { type Folder, temporaryFolder } from '../e2e/support.ts';
import { seededRandom } from '../support/random.ts';
import { isSkipped, PEER_NAME, type Peer, startPrometheus } from './prometheus.ts';

const TEST_MS_MAX = 300_000;
const SEED = Number(process.env['PARSE_SEED'] ?? 20261130);
const EXPRESSIONS = Number(process.env['PARSE_EXPRESSIONS'] ?? 2500);

const WHOLE = [
  'sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) / on (job) group_left sum(x) > 0.1',
  'max_over_time(deriv(a{b="c"}[1h] offset 5m)[1d:10m] @ end())',
  'histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m]))) and topk(3, y) unless z == bool 1',
  'foo + on(a, b) group_right(c) bar{x!="1",y=\'2\'} * -2 ^ 3 or vector(0)',
  'count_values("v", label_replace(up, "a", "$1", "b", "(.*)")) without (x)',
  'quantile(0.9, a:b:c @ 1234.5) % 1e3 <= ignoring(z) d offset -1m',
  '1 == bool 2 + 0x1f or offset',
  'a[5m:1m] offset 1h30m',
  'sum(a) by (b) != avg without(c, d) (e)',
  'absent(`x`) # a comment',
  '(((a)))[1h:]',
];
const PARTS = [
  ...[
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '"',
    "'",
    '`',
    '=',
    '=~',
    '!',
    '!=',
    '==',
    '<',
    '@',
    '^',
    '-',
    '+',
  ],
  ...[
    '*',
    '/',
    '#',
    ' ',
    '\n',
    ';',
    '~',
    '$',
    '\\',
    '\\q',
    '1',
    '0x',
    '5mm',
    '1e',
    'inf',
    'a=b',
    'foo',
    'nope(',
  ],
  ...['by', 'on', 'ignoring', 'bool', 'offset', 'sum', 'rate', 'group_left', 'and', 'without', 'end'],
];

/** By what Prometheus 2.42 says of it. */
const CHANGED_SINCE: readonly (readonly [message: RegExp, what: string])[] = [
  [/missing unit|duration/, 'numbers and durations may stand for each other, and are computed with'],
  [
    /unexpected (?:character: '\.'|number "\.)|timestamp out of bounds/,
    'a number takes all points that follow it',
  ],
  [/unexpected string .* in (?:label matching|grouping)/, 'names may be quoted'],
  [/unexpected metric identifier .* in grouping/, 'any text is a name'],
  [/unexpected <op:.> in subquery/, 'durations are computed with'],
  [/unexpected colon/, 'letters in brackets are words'],
  [/unexpected "\("/, 'start() and end() are functions'],
  [/trailing commas/, 'a duration is an argument'],
];

function damaged(random: ReturnType<typeof seededRandom>): string {
  const below = (limit: number): number => random.uint32() % limit;
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  let text = pick(WHOLE);
  for (let edits = 1 + below(2); edits > 0; edits--) {
    const at = below(text.length + 1);
    const part = below(4) === 0 ? '' : pick(PARTS);
    text = text.slice(0, at) + part + text.slice(at + pick([0, 0, 1, 1, 3, 40]));
  }
  return text;
}

/** Line and column where the first error begins. */
function ours(text: string): string {
  const parsed = parseExpr(text);
  if (parsed.ok) return 'accepted';
  const before = text.slice(0, parsed.error[0].span.start).split('\n');
  const column = (before[before.length - 1] ?? '').length + 1;
  return `${before.length}:${column}`;
}

describe.skipIf(isSkipped)(`parse errors ${PEER_NAME}`, () => {
  let folder: Folder;
  let peer: Peer;
  beforeAll(async () => {
    folder = temporaryFolder();
    peer = await startPrometheus(folder, () => 'global: {}\n');
  });
  afterAll(async () => {
    await peer?.stop();
    folder?.remove();
  });

  it('begin where the peer says', { timeout: TEST_MS_MAX }, async () => {
    const random = seededRandom(SEED);
    const differing: string[] = [];
    let refused = 0;
    let compared = 0;
    for (let i = 0; i < EXPRESSIONS; i++) {
      const text = damaged(random);
      const answer = await fetch(`${peer.url}/api/v1/format_query?query=${encodeURIComponent(text)}`);
      const { error = '' } = (await answer.json()) as { error?: string };
      const [, place = 'accepted', message = ''] = /: (\d+:\d+): parse error: ([\s\S]*)/.exec(error) ?? [];
      if (CHANGED_SINCE.some(([changed]) => changed.test(message))) continue;
      compared++;
      if (message !== '') refused++;
      const own = ours(text);
      if (own !== place) differing.push(`${JSON.stringify(text)}: ours ${own}, theirs ${place} ${message}`);
    }
    console.log(`parse errors: seed ${SEED}: ${compared} of ${EXPRESSIONS} compared, ${refused} refused`);
    expect(differing).toEqual([]);
    expect(refused).toBeGreaterThan(EXPRESSIONS / 2);
  });
});
