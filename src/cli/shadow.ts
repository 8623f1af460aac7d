// watchkeeper shadow diff: where a running shadow would alert or tell otherwise than the Prometheus and Alertmanager beside it.

import { err, ok, parseDuration, type Result, sleep } from '../base/index.ts';
import { CLIENT_OPTIONS } from './client.ts';
import {
  type Command,
  type CommandContext,
  type ExitCode,
  type ParsedArgs,
  readArgs,
  usageError,
} from './command.ts';
import { type ShadowReport, type ShownDifference, shadowText } from './render/index.ts';
import { compareNotifications } from './shadow/compare-notifications.ts';
import { compareAlerts, compareRules } from './shadow/compare-rules.ts';
import { firedOver, groupWaitMs, type Peers, shadowStatus, takeSnapshot } from './shadow/fetch.ts';
import { comparePast, spanOf } from './shadow/past.ts';
import { judge, judgeOnce, look, NOTHING_WATCHED, type Tracked, type Verdicts } from './shadow/persist.ts';
import { type Difference, labelsText, longestIntervalMs, type Snapshot } from './shadow/sides.ts';

/** Looks while watching: some in each interval, and none that would be a burden. */
const LOOK_EVERY_MS_MIN = 500;
const LOOK_EVERY_MS_MAX = 15_000;

const OPTIONS = {
  prometheus: { type: 'string' },
  alertmanager: { type: 'string' },
  watch: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  ...CLIENT_OPTIONS,
  json: { type: 'boolean' },
} as const;

export const shadowCommand: Command = {
  name: 'shadow',
  says: 'compare a shadow run with the Prometheus and Alertmanager that it runs beside',
  help: `usage: watchkeeper shadow diff --prometheus URL [--alertmanager URL] [--watch D | --from T [--to T]] [options]

Asks a Watchkeeper that was started with "run --shadow" and the production programs beside it, and tells where alerts (state,
labels, since when), rules and notifications (receivers, groups, what is silenced, inhibited or muted) differ, each with its
likely reason. Exit code 1: there are differences.

  --prometheus URL    Prometheus's address; a name and password may stand in it
  --alertmanager URL  Alertmanager's address; without it only rules and alerts are compared
  --watch D           look again and again for so long, such as 10m: a difference counts when it lasts longer than an interval of
                      evaluation and group_wait together (default: one look)
  --from T, --to T    instead what fired over this span, by the series ALERTS: seconds since the epoch, or RFC 3339 (--to: now)
  --json              the report as one JSON object
  --url URL           the shadow's address (default: http://127.0.0.1:9390, or WATCHKEEPER_URL)
  --token T           as whom to ask it (or WATCHKEEPER_TOKEN)
  --user NAME         as whom to ask it, with the password in WATCHKEEPER_PASSWORD
  --ca-file F         certificates that its own is checked against, in place of the public ones
`,
  async run(context) {
    const args = readArgs(context.args, OPTIONS);
    if (!args.ok) return usageError(context, shadowCommand, args.error);
    const asked = readAsked(args.value, context.clock.nowMs());
    if (!asked.ok) return usageError(context, shadowCommand, asked.error);
    const report = await reportOf(context, args.value, asked.value);
    if (!report.ok) {
      context.warn(`${report.error}\n`);
      return 1;
    }
    context.out(args.value.flag('json') ? `${JSON.stringify(report.value)}\n` : shadowText(report.value));
    const code: ExitCode = report.value.differences.length > 0 ? 1 : 0;
    return code;
  },
};

interface Asked {
  readonly peers: Peers;
  readonly watchMs: number;
  readonly past: { readonly fromMs: number; readonly toMs: number } | undefined;
}

function readAsked(args: ParsedArgs, nowMs: number): Result<Asked, string> {
  const [word, ...more] = args.words;
  if (word !== 'diff' || more.length > 0) return err('"diff" expected');
  const prometheus = args.text('prometheus');
  if (prometheus === undefined) return err('--prometheus URL is needed');
  const peers = { prometheus, alertmanager: args.text('alertmanager') };
  const [watch, from, to] = ['watch', 'from', 'to'].map(name => args.text(name));
  if (from === undefined) {
    if (to !== undefined) return err('--to needs --from');
    const watched = watch === undefined ? ok(0) : parseDuration(watch);
    if (!watched.ok) return err(`--watch is a duration such as 10m, not "${watch}"`);
    return ok({ peers, watchMs: watched.value, past: undefined });
  }
  if (watch !== undefined) return err('--watch looks at now: it does not go with --from');
  const fromMs = timeMs(from);
  const toMs = to === undefined ? nowMs : timeMs(to);
  const wrong = Number.isNaN(fromMs) ? `--from "${from}"` : Number.isNaN(toMs) ? `--to "${to}"` : '';
  if (wrong !== '') return err(`${wrong} is no time: seconds since the epoch or RFC 3339 expected`);
  if (toMs <= fromMs) return err('--to lies before --from');
  return ok({ peers, watchMs: 0, past: { fromMs, toMs } });
}

function timeMs(text: string): number {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}

async function reportOf(
  context: CommandContext,
  args: ParsedArgs,
  asked: Asked,
): Promise<Result<ShadowReport, string>> {
  const status = await shadowStatus(context, args);
  if (!status.ok) return status;
  const isShadow = status.value.effects === 'shadow';
  const notes = isShadow ? [] : ['this Watchkeeper runs live, not as a shadow: it sends and acts itself'];
  const compared = await (asked.past === undefined
    ? comparePresent(context, args, asked)
    : compareSpan(context, args, { ...asked, past: asked.past }));
  if (!compared.ok) return compared;
  const { verdicts, looks, toleranceMs, notes: more } = compared.value;
  return ok({
    comparedWith: [asked.peers.prometheus, asked.peers.alertmanager].flatMap(url => withoutSecret(url)),
    looks,
    toleranceMs,
    differences: verdicts.real.map(shown),
    passing: verdicts.passing.map(shown),
    expected: verdicts.expected.map(shown),
    notes: [...notes, ...more],
  });
}

function withoutSecret(url: string | undefined): readonly string[] {
  return url === undefined ? [] : [url.replace(/\/\/[^/@]*@/, '//')];
}

function shown({ difference }: Tracked): ShownDifference {
  const { kind, subject, here, there, reason } = difference;
  return { kind, subject, here, there, reason };
}

interface Compared {
  readonly verdicts: Verdicts;
  readonly looks: number;
  readonly toleranceMs: number;
  readonly notes: readonly string[];
}

async function comparePresent(
  context: CommandContext,
  args: ParsedArgs,
  asked: Asked,
): Promise<Result<Compared, string>> {
  const startMs = context.clock.monotonicMs();
  let watched = NOTHING_WATCHED;
  for (;;) {
    const snapshot = await takeSnapshot(context, args, asked.peers);
    if (!snapshot.ok) return snapshot;
    const wait = await groupWaitMs(context, args);
    if (!wait.ok) return wait;
    const intervalMs = longestIntervalMs(snapshot.value);
    const toleranceMs = intervalMs + wait.value;
    if (asked.watchMs > 0 && asked.watchMs <= toleranceMs)
      return err(
        `Cannot tell differences from the phase of evaluation within ${asked.watchMs / 1000} s: an interval and group_wait are ${toleranceMs / 1000} s; watch for longer`,
      );
    const { differences, notes } = differencesOf(snapshot.value, asked.peers);
    if (asked.watchMs === 0) {
      const verdicts = judgeOnce(differences, snapshot.value.atMs, toleranceMs);
      return ok({ verdicts, looks: 1, toleranceMs, notes });
    }
    const elapsedMs = context.clock.monotonicMs() - startMs;
    watched = look(watched, differences, elapsedMs);
    if (elapsedMs >= asked.watchMs)
      return ok({ verdicts: judge(watched, toleranceMs), looks: watched.looks, toleranceMs, notes });
    const everyMs = Math.min(LOOK_EVERY_MS_MAX, Math.max(LOOK_EVERY_MS_MIN, intervalMs / 3));
    await sleep(context.clock, Math.min(everyMs, asked.watchMs - elapsedMs));
  }
}

function differencesOf(
  snapshot: Snapshot,
  peers: Peers,
): { readonly differences: readonly Difference[]; readonly notes: readonly string[] } {
  const rules = compareRules(snapshot);
  const { differences, external } = compareNotifications(snapshot);
  const hasExternal = Object.keys(external).length > 0;
  return {
    differences: [...rules, ...compareAlerts(snapshot, rules), ...differences],
    notes: [
      ...(hasExternal
        ? [`all alerts there have ${labelsText(external)} more: taken for external_labels, and left out`]
        : []),
      ...(peers.alertmanager === undefined ? ['without --alertmanager notifications were not compared'] : []),
    ],
  };
}

async function compareSpan(
  context: CommandContext,
  args: ParsedArgs,
  asked: Asked & { readonly past: { readonly fromMs: number; readonly toMs: number } },
): Promise<Result<Compared, string>> {
  const snapshot = await takeSnapshot(context, args, { ...asked.peers, alertmanager: undefined });
  if (!snapshot.ok) return snapshot;
  const intervalMs = longestIntervalMs(snapshot.value);
  const span = spanOf(asked.past.fromMs, asked.past.toMs, intervalMs);
  const fired = await firedOver(context, args, { prometheus: asked.peers.prometheus, span });
  if (!fired.ok) return fired;
  const toleranceMs = 2 * span.stepMs;
  const { shadowStartedAtMs, atMs } = snapshot.value;
  const found = comparePast(...fired.value, { span, toleranceMs, shadowStartedAtMs });
  return ok({
    verdicts: judgeOnce(found, atMs, toleranceMs),
    looks: 1,
    toleranceMs,
    notes: ['of the past only what fired is compared: an Alertmanager keeps nothing of what it told'],
  });
}
