// The demo as a person runs it: two acts, exit code 0 only if the first ended in a verified recovery and the second in
// the pocket of the person on duty.

import { expect, it } from 'vitest';
import { runCommand, temporaryFolder } from './support.ts';

const DEMO_MS_MAX = 60_000;

it('plays both acts within a minute, in the right order, and exits 0', {
  timeout: DEMO_MS_MAX + 10_000,
}, async () => {
  const folder = temporaryFolder();
  try {
    const ended = await runCommand(['demo'], { cwd: folder.path, withinMs: DEMO_MS_MAX });
    const [first = '', second = ''] = ended.stdout.split('Act 2:');
    expectInOrder(first, ['killed', 'detected', 'pending', 'firing', 'action', 'verified']);
    for (const word of ['notified', 'resolved', 'mail arrived', 'yes  recovery verified'])
      expect(first, ended.stdout).toContain(word);
    expectInOrder(second, [
      'killed',
      'detected',
      'pending',
      'firing',
      'action',
      'failed',
      'handed over',
      'SMS arrived',
    ]);
    expect(second).toContain('yes  the message reached the SMS address of the person on duty');
    expect(ended.stdout).not.toContain('NO ');
    expect(ended.stderr).toBe('');
    expect(ended.code, ended.stdout).toBe(0);
  } finally {
    folder.remove();
  }
});

/** The words stand at the beginning of their lines, after the time, each after the one before. */
function expectInOrder(text: string, words: readonly string[]): void {
  const seen = text.split('\n').map(line => /^ *\+[\d.]+ s {2}(.{15})/.exec(line)?.[1]?.trim() ?? '');
  let from = 0;
  for (const word of words) {
    const at = seen.indexOf(word, from);
    expect(at, `"${word}" in its place in:\n${text}`).toBeGreaterThanOrEqual(from);
    from = at + 1;
  }
}
