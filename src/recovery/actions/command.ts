// The action `command`: a program on this host, by argument vector. No shell is involved, and no label value becomes
// part of a program's name or of another argument: labels reach the child as environment variables, or as an argument
// of their own.

import {
  bad,
  duration,
  hidden,
  list,
  mapOf,
  mapped,
  optional,
  record,
  required,
  text,
  withDefault,
} from '../../config/index.ts';
import { type Alert, labelPairs, labelValue } from '../../model/index.ts';
import type { Action, ActionOutcome, ActionPorts } from '../action.ts';
import { boundedOutput } from '../output.ts';
import type { ActionKind } from '../playbook.ts';

/** Of stdout and stderr each: enough for the last screens of an error, little enough for the journal. */
const OUTPUT_BYTES_MAX = 64 * 1024;
/** Between SIGTERM and SIGKILL. */
const KILL_GRACE_MS = 2000;

/** An argument that is wholly `$labels.NAME` is replaced by the label's value; others are passed as they stand. */
const LABEL_ARGUMENT = /^\$labels\.([A-Za-z_]\w*)$/;

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export const commandKind: ActionKind = {
  key: 'command',
  carriedOut: true,
  schema: mapped(
    record({
      argv: required(
        list(text()),
        'program and arguments; "$labels.NAME" as a whole argument is the label\'s value',
      ),
      env: withDefault(
        mapOf(hidden(text())),
        new Map<string, string>(),
        'environment of the child; nothing else is inherited but PATH',
      ),
      cwd: optional(text({ notEmpty: true }), 'working folder'),
      timeout: withDefault(
        duration({ min: 1 }),
        30_000,
        'after this the command is killed and the step has failed',
      ),
    }),
    (value, context) => {
      const [program, ...rest] = value.argv;
      if (program === undefined || program === '') return bad('Cannot run "": argv needs a program', context);
      if (LABEL_ARGUMENT.test(program))
        return bad(`Cannot run "${program}": a label may not choose the program`, context);
      return commandAction({ program, rest, env: value.env, cwd: value.cwd, timeoutMs: value.timeout });
    },
  ),
};

interface CommandSettings {
  readonly program: string;
  readonly rest: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  readonly cwd: string | undefined;
  readonly timeoutMs: number;
}

export function commandAction(settings: CommandSettings): Action {
  return {
    says: `command ${JSON.stringify([settings.program, ...settings.rest])}`,
    run: (alert, ports, signal) => runCommand(settings, alert, { ports, signal }),
  };
}

async function runCommand(
  settings: CommandSettings,
  alert: Alert,
  { ports, signal }: { readonly ports: ActionPorts; readonly signal: AbortSignal },
): Promise<ActionOutcome> {
  const result = await ports.exec.run(
    {
      argv: [settings.program, ...settings.rest.map(argument => expandArgument(argument, alert))],
      env: environmentOf(settings, alert),
      ...(settings.cwd === undefined ? {} : { cwd: settings.cwd }),
      timeoutMs: settings.timeoutMs,
      killGraceMs: KILL_GRACE_MS,
      outputBytesMax: OUTPUT_BYTES_MAX,
    },
    signal,
  );
  if (!result.ok)
    return { kind: 'failed', detail: `${result.error.code}: ${result.error.message}`, output: '' };
  const { exitCode, signal: killedBy, timedOut, stdout, stderr, truncated } = result.value;
  const output = boundedOutput([stdout, stderr], { truncated, secrets: [...settings.env.values()] });
  if (timedOut)
    return {
      kind: 'timed_out',
      detail: `did not end within ${settings.timeoutMs} ms and was killed`,
      output,
    };
  if (exitCode === 0) return { kind: 'ok', detail: 'exit code 0', output };
  return {
    kind: 'failed',
    detail: exitCode === undefined ? `killed by ${killedBy ?? 'a signal'}` : `exit code ${exitCode}`,
    output,
  };
}

function expandArgument(argument: string, alert: Alert): string {
  const name = LABEL_ARGUMENT.exec(argument)?.[1];
  return name === undefined ? argument : labelValue(alert.labels, name);
}

function environmentOf(settings: CommandSettings, alert: Alert): Record<string, string> {
  const env: Record<string, string> = { PATH: DEFAULT_PATH };
  for (const [name, value] of labelPairs(alert.labels)) {
    // A zero byte would end the variable early.
    if (!value.includes('\0')) env[`WATCHKEEPER_LABEL_${name.replace(/\W/g, '_')}`] = value;
  }
  env['WATCHKEEPER_FINGERPRINT'] = alert.fingerprint;
  env['WATCHKEEPER_VALUE'] = String(alert.value);
  for (const [name, value] of settings.env) env[name] = value;
  return env;
}
