// No text may throw, hang or blow up: random YAML-ish text, damaged configurations, bombs.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkText, type FileKind } from './check.ts';
import { parseDocument } from './document.ts';

const SEED = 20_260_101;
const KINDS: readonly FileKind[] = ['watchkeeper', 'prometheus', 'alertmanager'];
/** Far above what any of these takes (some 50 ms), far below a hang. */
const TIME_LIMIT_MS = 5000;

const SAMPLE = `global: &g
  scrape_interval: 15s
  smtp_smarthost: mail:25
scrape_configs:
- job_name: node
  static_configs: [{targets: ['a:1'], labels: {x: "y"}}]
  relabel_configs:
  - {action: replace, source_labels: [a], target_label: b}
- job_name: b
  http_headers: {X-A: {values: [a], secrets: [b]}}
  oauth2: {client_id: c, client_secret: s, token_url: 'http://t/', scopes: [x]}
  scrape_protocols: [PrometheusProto]
  metric_name_validation_scheme: legacy
  label_limit: 3
  kubernetes_sd_configs: [{role: pod, namespaces: {names: [a]}}]
  metric_relabel_configs: [{action: labelmap, regex: '(a)', replacement: 'x_$1'}]
route:
  receiver: mail
  group_by: ['...']
  routes: [{matchers: ['a="b"'], receiver: mail}]
receivers:
- name: mail
  email_configs: [{to: a@b}]
`;

function checkAll(text: string): void {
  for (const kind of KINDS) {
    const started = performance.now();
    const found = checkText(kind, { text, file: 'f.yml' });
    expect(performance.now() - started).toBeLessThan(TIME_LIMIT_MS);
    for (const one of found) expect(one.line).toBeGreaterThan(0);
  }
}

const pieces = fc.array(
  fc.constantFrom(
    ...[
      '- ',
      ': ',
      '\n',
      '  ',
      '{',
      '}',
      '[',
      ']',
      '&a ',
      '*a',
      '<<: ',
      '|\n',
      '>-\n',
      '"',
      "'",
      '#',
      '---\n',
      '? ',
      '!!binary ',
      '!x ',
      '%',
      ',',
    ],
    ...[
      'route',
      'receivers',
      'name',
      'matchers',
      'scrape_configs',
      'relabel_configs',
      'regex',
      'global',
      'null',
      '0',
      '\t',
      '\u0000',
      'é',
    ],
  ),
  { maxLength: 60 },
);

describe('any text is answered with diagnostics', () => {
  it('YAML-ish pieces in any order', () => {
    fc.assert(
      fc.property(pieces, parts => checkAll(parts.join(''))),
      { seed: SEED, numRuns: 600 },
    );
  });

  it('a good file with a stretch replaced by anything', () => {
    const damage = fc.tuple(fc.nat(SAMPLE.length), fc.nat(20), fc.string({ unit: 'binary', maxLength: 8 }));
    fc.assert(
      fc.property(damage, ([at, length, text]) =>
        checkAll(SAMPLE.slice(0, at) + text + SAMPLE.slice(at + length)),
      ),
      { seed: SEED, numRuns: 600 },
    );
  });
});

describe('limits', () => {
  it('deep nesting is refused by name, whatever its form', () => {
    for (const text of [
      '['.repeat(100_000),
      '- '.repeat(20_000),
      `${'{a: '.repeat(300)}1${'}'.repeat(300)}`,
    ]) {
      const { diagnostics } = parseDocument(text, 'f.yml');
      expect(diagnostics.some(one => one.severity === 'error')).toBe(true);
    }
  });

  it('aliases that expand to millions of values end at a limit', () => {
    const levels = ['a: &a0 {receiver: mail}'];
    for (let i = 1; i <= 8; i++) {
      levels.push(`b${i}: &a${i} {routes: [${`*a${i - 1},`.repeat(9)}]}`);
    }
    const text = `${levels.join('\n')}\nroute: *a8\nreceivers: [{name: mail}]\n`;
    const started = performance.now();
    const found = checkText('alertmanager', { text, file: 'f.yml' });
    expect(performance.now() - started).toBeLessThan(TIME_LIMIT_MS);
    expect(found.some(one => one.message.includes('its aliases expand to more than'))).toBe(true);
  });
});
