// Playbooks as people write them: what is read, and what is said about mistakes.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeExec } from '../../test/support/exec.ts';
import { parseDocument, readDocument } from '../config/index.ts';
import { type Alert, fingerprint, labelsFrom } from '../model/index.ts';
import { commandKind } from './actions/command.ts';
import { boundedOutput } from './output.ts';
import { type Playbook, playbookSchema } from './playbook.ts';

function read(text: string): { readonly value: Playbook | undefined; readonly messages: readonly string[] } {
  const outcome = readDocument(parseDocument(text, 'p.yml'), playbookSchema([commandKind]));
  return { value: outcome.value, messages: outcome.diagnostics.map(d => `${d.line}: ${d.message}`) };
}

const GOOD = `name: restart
match: ['alertname="Down"', 'instance=~"db.*"']
steps:
  - command:
      argv: [/bin/restart, $labels.instance]
      env: { MODE: fast }
      timeout: 5s
`;

const BAD: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ['no steps', GOOD.replace(/steps:[\s\S]*/, 'steps: []\n'), /no steps/],
  ['an empty match', GOOD.replace(/match:.*\n/, 'match: []\n'), /empty match would answer every alert/],
  [
    'a step without an action',
    GOOD.replace(/- command:[\s\S]*/, '- name: x\n'),
    /exactly one action expected, one of "command"/,
  ],
  ['a misspelt key', GOOD.replace('argv', 'argz'), /"argz"/],
  ['a label as the program', GOOD.replace('/bin/restart, ', ''), /a label may not choose the program/],
  ['a bad guard', `${GOOD}guard: { max_attempts: 0 }\n`, /at least 1/],
];

describe('a playbook', () => {
  it('is read with its defaults', () => {
    const { value, messages } = read(GOOD);
    expect(messages).toEqual([]);
    expect(value).toMatchObject({
      name: 'restart',
      guard: { attemptsMax: 2, coolDownMs: 300_000, concurrentMax: 1, alertsMax: 10, windowMs: 3_600_000 },
      verify: { withinMs: 120_000, intervalMs: 5000 },
      steps: [{ name: 'command', idempotent: false }],
    });
    expect(value?.match.map(matcher => matcher.name)).toEqual(['alertname', 'instance']);
  });

  it.each(BAD)('is refused with %s', (_, text, message) => {
    const { value, messages } = read(text);
    expect(value).toBeUndefined();
    expect(messages.join('\n')).toMatch(message);
  });

  it('hands label values over as whole arguments and environment variables only', async () => {
    const labels = labelsFrom({ alertname: 'Down', instance: 'a; rm -rf $(x) "', 'odd.name': 'v' });
    const alert: Alert = {
      labels,
      fingerprint: fingerprint(labels),
      annotations: labelsFrom({}),
      state: 'firing',
      activeAtMs: 0,
      reason: '',
      value: 1,
      rule: { file: '', group: '', name: '', labelsKey: '' },
      expr: '',
      generatorUrl: '',
    };
    const clock = new FakeClock();
    const exec = new FakeExec(clock).on('/bin/restart', () => ({
      exitCode: 1,
      stderr: 'password=abc123 no',
    }));
    const outcome = await read(GOOD).value?.steps[0]?.action.run(
      alert,
      { exec, clock },
      new AbortController().signal,
    );
    expect(exec.requests[0]?.argv).toEqual(['/bin/restart', 'a; rm -rf $(x) "']);
    expect(exec.requests[0]?.env).toMatchObject({ MODE: 'fast', WATCHKEEPER_LABEL_odd_name: 'v' });
    expect(exec.requests[0]?.timeoutMs).toBe(5000);
    expect(outcome).toEqual({ kind: 'failed', detail: 'exit code 1', output: 'password=<redacted> no' });
  });
});

describe('the output kept in the journal', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  it.each([
    ['https://user:pa55word@host/x', 'https://user:<redacted>@host/x'],
    ['Authorization: Bearer abc.def', 'Authorization: Bearer <redacted>'],
    ['{"api_key": "k-1234"}', '{"api_key": "<redacted>"}'],
    ['plain words', 'plain words'],
  ])('%s becomes %s', (text, kept) => {
    expect(boundedOutput([bytes(text)], { truncated: false, secrets: [] })).toBe(kept);
  });

  it('keeps the end of a long output and says what is missing', () => {
    const kept = boundedOutput([bytes('x'.repeat(5000)), bytes('the end')], {
      truncated: false,
      secrets: [],
    });
    expect(kept.length).toBeLessThan(4100);
    expect(kept).toMatch(/^… \(1008 characters left out\)\n/);
    expect(kept.endsWith('the end')).toBe(true);
  });
});
