// A command: a program on this host takes the message. No shell is involved: an argument is a template whose result is one
// argument, whatever it holds; the message is JSON at its standard input.

import { type ExecError, type ExecResult, err, ok, type Result } from '../base/index.ts';
import {
  bad,
  boolean,
  duration,
  hidden,
  integer,
  list,
  mapOf,
  mapped,
  optional,
  record,
  required,
  type Schema,
  text,
  withDefault,
} from '../config/index.ts';
import type { DeliveryOutcome } from '../model/index.ts';
import { ATTEMPT_MS, ATTEMPT_MS_MAX, type Channel, type ChannelPorts, type Message } from './channel.ts';
import { type NotificationData, notificationData } from './data.ts';
import { templateText } from './template-text.ts';
import { webhookBody } from './webhook-body.ts';

/** Of stdout and stderr each: the last lines of an error, little enough for the journal. */
const OUTPUT_BYTES_MAX = 16 * 1024;
/** Kept as the provider's own words. */
const ANSWER_CHARS_MAX = 500;
/** Between SIGTERM and SIGKILL; with the time limit it stays within an attempt's grace. */
const KILL_GRACE_MS = 500;
/** Shorter values of environment variables are too common as plain text to be blotted out. */
const SECRET_CHARS_MIN = 6;
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface CommandSettings {
  readonly program: string;
  /** Templates. */
  readonly rest: readonly string[];
  /** Templates. */
  readonly env: ReadonlyMap<string, string>;
  readonly cwd: string | undefined;
  readonly timeoutMs: number;
  readonly sendResolved: boolean;
  /** 0: all. */
  readonly maxAlerts: number;
}

const schema: Schema<CommandSettings> = mapped(
  record({
    send_resolved: withDefault(boolean(), true, 'Tell when alerts are resolved.'),
    argv: required(
      list(templateText()),
      'Program and arguments; each argument is a template and stays one argument.',
    ),
    env: withDefault(
      mapOf(hidden(templateText())),
      new Map<string, string>(),
      'Environment of the program (templates); nothing else is inherited but PATH.',
    ),
    cwd: optional(text({ notEmpty: true }), 'Working folder.'),
    timeout: withDefault(
      duration({ min: 1, max: ATTEMPT_MS_MAX }),
      ATTEMPT_MS,
      'After this the program is killed, and the message tried again.',
    ),
    max_alerts: withDefault(integer({ min: 0 }), 0, 'Most alerts in one message; 0 is no limit.'),
  }),
  (value, context) => {
    const [program, ...rest] = value.argv;
    if (program === undefined || program === '') return bad('Cannot run "": argv needs a program', context);
    if (program.includes('{{'))
      return bad(`Cannot run "${program}": a template may not choose the program`, context);
    return {
      program,
      rest,
      env: value.env,
      cwd: value.cwd,
      timeoutMs: value.timeout,
      sendResolved: value.send_resolved,
      maxAlerts: value.max_alerts,
    };
  },
);

export const command: Channel<CommandSettings> = {
  key: 'command_configs',
  name: 'command',
  schema,
  carriedOut: true,
  create(settings, ports) {
    return ok({
      sendResolved: settings.sendResolved,
      send: (message, signal) => run({ settings, ports, message }, signal),
    });
  },
};

interface Run {
  readonly settings: CommandSettings;
  readonly ports: ChannelPorts;
  readonly message: Message;
}

async function run({ settings, ports, message }: Run, signal: AbortSignal): Promise<DeliveryOutcome> {
  const data = notificationData({ ...message, alertsMax: settings.maxAlerts });
  const filled = fillIn(settings, data, ports);
  // An argument that is not what was meant could do harm: better none than a wrong one.
  if (!filled.ok) return { kind: 'drop', reason: 'bad template', detail: filled.error };
  const answer = await ports.exec.run(
    {
      argv: [settings.program, ...filled.value.rest],
      env: { PATH: DEFAULT_PATH, ...environmentOf(message, data), ...filled.value.env },
      ...(settings.cwd === undefined ? {} : { cwd: settings.cwd }),
      stdin: new TextEncoder().encode(stdinOf(message, settings.maxAlerts, ports.render)),
      timeoutMs: settings.timeoutMs,
      killGraceMs: KILL_GRACE_MS,
      outputBytesMax: OUTPUT_BYTES_MAX,
    },
    signal,
  );
  return outcomeOfCommand(answer, {
    timeoutMs: settings.timeoutMs,
    secrets: Object.values(filled.value.env),
  });
}

interface Filled {
  readonly rest: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

function fillIn(
  settings: CommandSettings,
  data: NotificationData,
  { render }: ChannelPorts,
): Result<Filled, string> {
  const rest: string[] = [];
  const env: Record<string, string> = {};
  for (const template of settings.rest) {
    const filled = render(template, data, 'text');
    if (!filled.ok) return err(filled.error.message);
    // A zero byte would end the argument early.
    rest.push(filled.value.replaceAll('\0', ''));
  }
  for (const [name, template] of settings.env) {
    const filled = render(template, data, 'text');
    if (!filled.ok) return err(`${name}: ${filled.error.message}`);
    env[name] = filled.value.replaceAll('\0', '');
  }
  return ok({ rest, env });
}

function environmentOf({ job, isTest }: Message, data: NotificationData): Readonly<Record<string, string>> {
  const env: Record<string, string> = {
    WATCHKEEPER_JOB: job.id,
    WATCHKEEPER_STATUS: data.Status,
    WATCHKEEPER_RECEIVER: data.Receiver,
    WATCHKEEPER_GROUP_KEY: data.GroupKey,
    WATCHKEEPER_REASON: data.Reason,
    WATCHKEEPER_EXTERNAL_URL: data.ExternalURL,
    WATCHKEEPER_POSSIBLE_REPEAT: String(job.possibleRepeat),
    WATCHKEEPER_TEST: String(isTest),
  };
  for (const [name, value] of Object.entries(data.CommonLabels)) {
    if (!value.includes('\0')) env[`WATCHKEEPER_LABEL_${name.replace(/\W/g, '_')}`] = value;
  }
  return env;
}

/** The webhook's JSON, and what only we know under a key of its own. */
function stdinOf(message: Message, alertsMax: number, render: ChannelPorts['render']): string {
  const { job, isTest } = message;
  const own = JSON.stringify({
    job: job.id,
    reason: job.reason,
    possibleRepeat: job.possibleRepeat,
    test: isTest,
    recoveryReport: job.recoveryReport ?? '',
  });
  return `${webhookBody({ ...message, alertsMax }, render).slice(0, -1)},"watchkeeper":${own}}\n`;
}

/** sysexits.h: wrong usage, bad input, no permission and the like fail alike next time; 75 asks to be tried again. */
function failsAlike(exitCode: number): boolean {
  return exitCode >= 64 && exitCode <= 78 && exitCode !== 75;
}

interface Judging {
  readonly timeoutMs: number;
  /** What the program was given in its environment: it is not told on. */
  readonly secrets: readonly string[];
}

/** 0 is sent; 64–78 but 75 are refusals for good; any other exit code, a signal and the time limit are tried again. */
function outcomeOfCommand(
  answer: Result<ExecResult, ExecError>,
  { timeoutMs, secrets }: Judging,
): DeliveryOutcome {
  if (!answer.ok) {
    const { code, message } = answer.error;
    // Whoever installs the program, or mends its permissions, may do so within the retry cycle.
    return { kind: 'retry', reason: code, detail: message };
  }
  const { exitCode, signal, timedOut, stdout, stderr, truncated } = answer.value;
  const output = [stdout, stderr]
    .map(bytes => new TextDecoder().decode(bytes).trim())
    .filter(words => words !== '')
    .join(' | ');
  const clean = secrets
    .filter(secret => secret.length >= SECRET_CHARS_MIN)
    .reduce((words, secret) => words.replaceAll(secret, '<redacted>'), output);
  const words = `${clean.slice(-ANSWER_CHARS_MAX)}${truncated ? ' (output cut)' : ''}`.trim();
  const said = words === '' ? '' : `: ${words}`;
  if (timedOut)
    return { kind: 'retry', reason: 'command-timeout', detail: `killed after ${timeoutMs / 1000} s${said}` };
  if (exitCode === undefined)
    return { kind: 'retry', reason: 'command-killed', detail: `ended by ${signal ?? 'a signal'}${said}` };
  if (exitCode === 0) return { kind: 'sent', answer: `exit code 0${said}` };
  const detail = `exit code ${exitCode}${said}`;
  return { kind: failsAlike(exitCode) ? 'drop' : 'retry', reason: `exit code ${exitCode}`, detail };
}
