// watchkeeper demo: two acts on loopback. In the first the machine helps itself; in the second it cannot, and wakes
// the person on duty. Everything is real: the system, the victim process, the mail.

import { fileURLToPath } from 'node:url';
import { REGISTRIES, type System, startSystem } from '../app/index.ts';
import { sleep } from '../base/index.ts';
import { loadConfig } from '../config/index.ts';
import type { StoredJournalEvent } from '../model/index.ts';
import {
  freePort,
  killProcess,
  type MailSink,
  nodePath,
  openMailSink,
  type SunkMail,
  temporaryFolder,
} from '../os/index.ts';
import { type Command, type CommandContext, readArgs, usageError } from './command.ts';
import { DUTY_SMS, demoConfig, demoRules, TEAM_MAIL } from './demo-config.ts';
import { definedOnly, type RealPorts, realPorts } from './ports.ts';

/** An act that is not over by then has failed. */
const ACT_MS_MAX = 28_000;
const LOOK_EVERY_MS = 100;
const EVENTS_MAX = 500;

export const demoCommand: Command = {
  name: 'demo',
  says: 'break a small service and watch: detect, alert, recover, verify, notify',
  help: `usage: watchkeeper demo [--keep]

Starts a small victim service and sinks for mail and SMS on loopback, kills the victim, and prints what happens with real
times. Act 1: the playbook restarts it. Act 2: the action fails, and the person on duty gets an SMS. Under a minute.
Exit code 0 only if the recovery of act 1 was verified and the SMS of act 2 arrived.

  --keep   leave the temporary data folder in place, and print where it is
`,
  async run(context) {
    const args = readArgs(context.args, { keep: { type: 'boolean' } });
    if (!args.ok) return usageError(context, demoCommand, args.error);
    const ports = realPorts({ env: context.env, logFormat: 'text', logLevel: 'error' });
    const folder = await temporaryFolder('watchkeeper-demo-');
    const timeline = createTimeline(context);
    const mails: SunkMail[] = [];
    const sink = await openMailSink({
      port: 0,
      onMail: mail => {
        mails.push(mail);
        timeline.mail(mail);
      },
    });
    if (!sink.ok) {
      context.warn(`watchkeeper demo: cannot open the mail sink: ${sink.error}\n`);
      return 1;
    }
    try {
      const passed = await play(context, { ports, folder: folder.path, timeline, sink: sink.value, mails });
      context.out(
        passed ? '\nBoth acts ended as they should.\n' : '\nThe demo did not end as it should: see above.\n',
      );
      if (args.value.flag('keep')) context.out(`The data is in ${folder.path}\n`);
      return passed ? 0 : 1;
    } finally {
      await sink.value.close();
      await ports.close();
      if (!args.value.flag('keep')) await folder.remove();
    }
  },
};

interface Stage {
  readonly ports: RealPorts;
  readonly folder: string;
  readonly timeline: Timeline;
  readonly sink: MailSink;
  readonly mails: readonly SunkMail[];
}

async function play(context: CommandContext, stage: Stage): Promise<boolean> {
  const { ports, folder, timeline } = stage;
  const victim = {
    port: await freePort(),
    pidFile: `${folder}/victim.pid`,
    program: new URL('../os/victim.js', import.meta.url),
  };
  const started = await runVictim(ports, victim);
  if (started !== undefined) {
    context.warn(`watchkeeper demo: cannot start the victim: ${started}\n`);
    return false;
  }
  const act = async (works: boolean): Promise<System | undefined> => {
    const configPath = `${folder}/watchkeeper.yml`;
    await writeText(
      ports,
      configPath,
      demoConfig({ victim, nodePath: nodePath(), mailPort: stage.sink.port, works }),
    );
    await writeText(ports, `${folder}/demo.rules.yml`, demoRules());
    const system = await startSystem(ports, {
      dataFolder: `${folder}/data-${works ? 'one' : 'two'}`,
      effects: 'live',
      stock: false,
      load: () =>
        loadConfig({
          disk: ports.disk,
          env: definedOnly(context.env),
          paths: { watchkeeper: configPath },
          registries: REGISTRIES,
        }),
    });
    if (system.ok) {
      ports.started();
      return system.value;
    }
    context.warn(`watchkeeper demo: cannot start\n${system.error.problems.join('\n')}\n`);
    return undefined;
  };
  try {
    const toTeam = (): number => stage.mails.filter(mail => mail.to.includes(TEAM_MAIL)).length;
    context.out('Act 1: the victim is killed; the playbook restarts it.\n');
    const first = await act(true);
    if (first === undefined) return false;
    const recovered = await runAct(first, stage, {
      pidFile: victim.pidFile,
      over: seen => seen.has('recovered') && seen.has('resolved') && toTeam() >= 2,
    });
    const informed = toTeam() >= 2;
    timeline.verdict('recovery verified', recovered);
    timeline.verdict('the team was told by mail that it fired and that it is over', informed);

    context.out('\nAct 2: the victim is killed again, and the action fails.\n');
    const second = await act(false);
    if (second === undefined) return false;
    const isSms = (): boolean => stage.mails.some(mail => mail.to.includes(DUTY_SMS));
    await runAct(second, stage, { pidFile: victim.pidFile, over: seen => seen.has('escalated') && isSms() });
    timeline.verdict('the message reached the SMS address of the person on duty', isSms());
    return recovered && informed && isSms();
  } finally {
    await killByFile(ports, victim.pidFile);
  }
}

/** Waits until the system sees the victim up, kills it, and follows the journal until the act is over. */
async function runAct(
  system: System,
  stage: Stage,
  act: { readonly pidFile: string; readonly over: (verdicts: ReadonlySet<string>) => boolean },
): Promise<boolean> {
  const { ports, timeline } = stage;
  const { clock } = ports;
  const startedMs = clock.monotonicMs();
  const timeLeft = (): boolean => clock.monotonicMs() - startedMs < ACT_MS_MAX;
  const isUp = (): boolean =>
    system.targets.statuses().some(status => status.job === 'victim' && status.health === 'up');
  while (!isUp() && timeLeft()) await sleep(clock, LOOK_EVERY_MS);
  timeline.begin(clock.nowMs());
  await killByFile(ports, act.pidFile);
  const verdicts = new Set<string>();
  let afterSeq = 0;
  let over = false;
  while (!over && timeLeft()) {
    await sleep(clock, LOOK_EVERY_MS);
    const events = await system.state.journal({ afterSeq, limit: EVENTS_MAX, newestFirst: false });
    for (const event of events.ok ? events.value : []) {
      afterSeq = Math.max(afterSeq, event.seq);
      verdicts.add(event.verdict);
      timeline.event(event);
    }
    over = act.over(verdicts);
  }
  await system.stop();
  return over;
}

// --- the timeline ----------------------------------------------------------------------------------

interface Timeline {
  begin(atMs: number): void;
  event(event: StoredJournalEvent): void;
  mail(mail: SunkMail): void;
  verdict(text: string, holds: boolean): void;
}

/** What the journal's words are called on the timeline; the rest is left out. */
const WORDS: Readonly<Record<string, string>> = {
  'collect down': 'detected',
  'collect up': 'delivers again',
  'rule pending': 'pending',
  'rule firing': 'firing',
  'rule resolved': 'resolved',
  'recovery running': 'action',
  'recovery verifying': 'verifying',
  'recovery recovered': 'verified',
  'recovery failed': 'failed',
  'recovery escalated': 'handed over',
  'notify sent': 'notified',
};

function createTimeline(context: CommandContext): Timeline {
  let zeroMs = context.clock.nowMs();
  const line = (atMs: number, word: string, text: string): void => {
    const seconds = `+${((atMs - zeroMs) / 1000).toFixed(1)} s`.padStart(9);
    context.out(`${seconds}  ${word.padEnd(15)}${text.split('\n')[0]}\n`);
  };
  return {
    begin: atMs => {
      zeroMs = atMs;
      line(atMs, 'killed', 'the victim gets SIGKILL');
    },
    event: event => {
      const word = WORDS[`${event.stage} ${event.verdict}`];
      if (word === undefined || event.atMs < zeroMs) return;
      const evidence = event.evidence as { readonly labels?: { readonly alertname?: string } };
      const about =
        evidence.labels?.alertname ?? (event.subject.kind === 'receiver' ? event.subject.name : '');
      line(event.atMs, word, about === '' ? event.reason : `${about}: ${event.reason}`);
    },
    mail: mail => {
      const subject = /^Subject: (.*)$/im.exec(mail.raw)?.[1] ?? '';
      const kind = mail.to.includes(DUTY_SMS) ? 'SMS arrived' : 'mail arrived';
      line(context.clock.nowMs(), kind, `to ${mail.to.join(', ')}: ${subject.trim()}`);
    },
    verdict: (text, holds) => context.out(`           ${holds ? 'yes' : 'NO '}  ${text}\n`),
  };
}

// --- helpers ---------------------------------------------------------------------------------------

interface Victim {
  readonly port: number;
  readonly pidFile: string;
  readonly program: URL;
}

async function runVictim(ports: RealPorts, victim: Victim): Promise<string | undefined> {
  const done = await ports.exec.run({
    argv: [nodePath(), fileURLToPath(victim.program), 'start', String(victim.port), victim.pidFile],
    env: {},
    timeoutMs: 10_000,
    killGraceMs: 1000,
    outputBytesMax: 10_000,
  });
  if (!done.ok) return done.error.message;
  return done.value.exitCode === 0 ? undefined : new TextDecoder().decode(done.value.stderr);
}

async function killByFile(ports: RealPorts, pidFile: string): Promise<void> {
  const text = await ports.disk.readFile(pidFile);
  const pid = Number(text.ok ? new TextDecoder().decode(text.value) : '');
  if (Number.isInteger(pid) && pid > 1) killProcess(pid);
}

async function writeText(ports: RealPorts, path: string, text: string): Promise<void> {
  await ports.disk.remove(path);
  const file = await ports.disk.open(path, 'create');
  if (!file.ok) throw new Error(file.error.message);
  await file.value.write(new TextEncoder().encode(text));
  await file.value.close();
}
