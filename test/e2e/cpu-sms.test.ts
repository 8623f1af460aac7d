// The scenario that the project comes from, with real parts: processes that burn this machine's CPU, the built-in host
// collector, the shipped example's own files, and a real SMTP server for the team's mail and the SMS gateway. Only the
// durations differ from the example: its files are read and their times replaced, so that the example itself is tested.
//
// The CPU belongs to whoever else works on this machine, too. Firing is certain while the burners run; for the end of the
// alert the test may have to wait until others let go of the CPU, and it has patience for that.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { TimelineEventJson } from '../../src/api/index.ts';
import {
  type Folder,
  type Letter,
  type Mailbox,
  openMailbox,
  type Program,
  ROOT,
  startProgram,
  temporaryFolder,
  until,
} from './support.ts';

const EXAMPLE = join(ROOT, 'examples', 'cpu-sms');
const TEAM = 'team@example.org';
const SMS = '13800000000@sms.example.org';
const REPEAT_MS = 5000;
const FIRING_MS_MAX = 60_000;
/** Other tests that run beside this one may keep the CPU above the thresholds for some time. */
const RESOLVED_MS_MAX = 180_000;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

describe('CPU load to the phone of the person on duty', () => {
  it('critical goes to the SMS gateway and warning to the team, repeated in time, and both are told when it is over', {
    timeout: FIRING_MS_MAX + RESOLVED_MS_MAX + 60_000,
  }, async () => {
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const mailbox = await openMailbox();
    opened.push(mailbox.close);
    const program = await startProgram({ folder, args: ['--config', exampleIn(folder, mailbox)] });
    opened.push(program.stop);

    const burners = cpus().map(burn);
    opened.push(() => void burners.map(burner => burner.kill('SIGKILL')));
    const states = () => program.api<unknown>('/api/v1/alerts');
    const sms = await letter(mailbox, { to: SMS, says: 'FIRING', withinMs: FIRING_MS_MAX, seen: states });
    const mail = await letter(mailbox, { to: TEAM, says: 'FIRING', withinMs: FIRING_MS_MAX, seen: states });
    expect(sms.text).toMatch(/firing: CPU of \S+ is \d+ % busy/);
    // The subject names the group, which is a job here; the mail says which alerts are in it, the short message does not.
    expect(sms.subject).toMatch(/^\[FIRING:1\] host - CPU of/);
    expect(mail.text).toContain('HighCpuUsageWarning');
    expect(mailbox.to(TEAM).filter(one => one.text.includes('HighCpuUsageCritical'))).toEqual([]);

    await until('the repeat to the phone', () => firing(mailbox, SMS)[1], { withinMs: 4 * REPEAT_MS });
    for (const burner of burners) burner.kill('SIGKILL');
    await letter(mailbox, { to: SMS, says: 'RESOLVED', withinMs: RESOLVED_MS_MAX, seen: states });
    await letter(mailbox, { to: TEAM, says: 'RESOLVED', withinMs: RESOLVED_MS_MAX, seen: states });

    checkRepeats(firing(mailbox, SMS));
    await checkGroups(program);
    expect((await program.stop()).code).toBe(0);
  });
});

/** The example's files with short times; a text that the example no longer holds is an error here. */
function exampleIn(folder: Folder, mailbox: Mailbox): string {
  const config = replaced(readFileSync(join(EXAMPLE, 'watchkeeper.yml'), 'utf8'), [
    ['scrape_interval: 15s', 'scrape_interval: 1s'],
    ['evaluation_interval: 15s', 'evaluation_interval: 1s'],
    ['smtp_smarthost: 127.0.0.1:25', `smtp_smarthost: 127.0.0.1:${mailbox.port}`],
    ['group_wait: 30s', 'group_wait: 1s'],
    ['group_interval: 5m', 'group_interval: 1s'],
    ['repeat_interval: 1h', `repeat_interval: ${REPEAT_MS / 1000}s`],
  ]);
  const rules = replaced(readFileSync(join(EXAMPLE, 'cpu.rules.yml'), 'utf8'), [
    ['[2m]', '[4s]'],
    ['for: 5m', 'for: 2s'],
  ]);
  folder.write('cpu.rules.yml', rules);
  // The built-in collector has an interval of its own; the example keeps its default.
  return folder.write('watchkeeper.yml', `${config}\nhost:\n  interval: 1s\n`);
}

function replaced(text: string, pairs: readonly (readonly [from: string, to: string])[]): string {
  let result = text;
  for (const [from, to] of pairs) {
    if (!result.includes(from)) throw new Error(`The example no longer holds "${from}"`);
    result = result.replaceAll(from, to);
  }
  return result;
}

function burn(): ChildProcess {
  return spawn(process.execPath, ['-e', 'for (;;) {}'], { stdio: 'ignore' });
}

function firing(mailbox: Mailbox, to: string): readonly Letter[] {
  return mailbox.to(to).filter(one => one.subject.includes('FIRING'));
}

function letter(
  mailbox: Mailbox,
  wanted: {
    readonly to: string;
    readonly says: string;
    readonly withinMs: number;
    readonly seen: () => unknown;
  },
): Promise<Letter> {
  return until(
    `a ${wanted.says} message to ${wanted.to}`,
    () => mailbox.to(wanted.to).find(one => one.subject.includes(wanted.says)),
    wanted,
  );
}

/** Told again after repeat_interval, not before. A flush a little early would be a needless message on a phone. */
function checkRepeats(letters: readonly Letter[]): void {
  for (const [i, one] of letters.entries()) {
    const before = letters[i - 1];
    if (before !== undefined) expect(one.atMs - before.atMs).toBeGreaterThan(REPEAT_MS - 1000);
  }
}

/** One group a route and job, as `group_by: [job]` says. */
async function checkGroups(program: Program): Promise<void> {
  const events = await program.api<TimelineEventJson[]>('/api/watchkeeper/v1/timeline', { limit: '500' });
  const keys = new Set(
    events.flatMap(event => (event.subject.kind === 'group' ? [String(event.subject['groupKey'])] : [])),
  );
  expect([...keys].sort()).toEqual(['{}/{severity="critical"}:{job="host"}', '{}:{job="host"}']);
}
