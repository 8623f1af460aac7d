// watchkeeper rules backfill: what recording rules would have recorded over a span that is past.

import { type BackfilledRule, backfillRules } from '../app/index.ts';
import { err, ok, parseDuration, type Result } from '../base/index.ts';
import { resolveFrom } from '../config/index.ts';
import { type Diagnostic, formatDiagnostic } from '../model/index.ts';
import { createQueryEngine } from '../promql/index.ts';
import { MemoryStore, type RuleFile, readRules } from '../rules/index.ts';
import type { Store } from '../storage/index.ts';
import { type CommandContext, type ExitCode, type ParsedArgs, readArgs } from './command.ts';
import { openOffline, readSelection, retentionMs, storeFolder } from './history.ts';
import { counted } from './render/index.ts';
import { type Subcommand, wrongUsage } from './subcommand.ts';

/** As the configuration has it where it says nothing. */
const INTERVAL = '1m';

const OPTIONS = {
  data: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  'eval-interval': { type: 'string' },
  retention: { type: 'string' },
  config: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export const rulesBackfill: Subcommand = {
  name: 'rules backfill',
  says: 'record what recording rules would have recorded in the past',
  usage: `usage: watchkeeper rules backfill FILE... --from T [--to T] [options]

  FILE               rule files; their alerting rules are passed over
  --from T, --to T   the span: seconds since the epoch, or RFC 3339 (--to: the newest sample)
  --eval-interval D  of groups that have no interval of their own (default: ${INTERVAL})
  --data DIR         data folder of the Watchkeeper, which must not run meanwhile (default: data)
  --retention AGE    nothing is recorded that is older than this (default: storage.retention of --config, else 15d)
  --config F         for storage.retention (default: watchkeeper.yml here, if it exists)
  --json             one JSON object a rule

Rules are evaluated over the stored samples, in their order and at the times at which the running program would have: what was recorded
already, by a backfill or by the program, counts once. Exit code 1: a file is wrong, or a rule could not be evaluated.
`,
  async run(context) {
    const args = readArgs(context.args, OPTIONS);
    if (!args.ok) return wrongUsage(context, rulesBackfill, args.error);
    const asked = readAsked(args.value);
    if (!asked.ok) return wrongUsage(context, rulesBackfill, asked.error);
    const maxAge = await retentionMs(context, args.value);
    if (!maxAge.ok) return wrongUsage(context, rulesBackfill, maxAge.error);
    const files = await readFiles(context, args.value.words);
    if (!files.ok) {
      context.warn(files.error);
      return 1;
    }
    const { folder, exists } = await storeFolder(context, args.value.text('data') ?? 'data');
    if (!exists) {
      context.warn(`Cannot backfill: there is no store in "${folder}"\n`);
      return 1;
    }
    const opened = await openOffline(context, { folder, maxAgeMs: maxAge.value });
    if (!opened.ok) {
      const remedy = opened.error.code === 'disk-locked' ? ' (stop the Watchkeeper that has it first)' : '';
      context.warn(`${opened.error.message}${remedy}\n`);
      return 1;
    }
    try {
      const wanted = { ...asked.value, files: files.value, maxAgeMs: maxAge.value };
      return await backfillInto(context, args.value, { ...wanted, store: opened.value });
    } finally {
      await opened.value.close();
    }
  },
};

interface Asked {
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalMs: number;
}

function readAsked(args: ParsedArgs): Result<Asked, string> {
  if (args.words.length === 0) return err('which rules? a file is needed');
  if (args.text('from') === undefined) return err('--from is needed');
  const span = readSelection(args);
  if (!span.ok) return span;
  const given = args.text('eval-interval') ?? INTERVAL;
  const interval = parseDuration(given);
  if (!interval.ok || interval.value <= 0)
    return err(`--eval-interval is a duration such as 1m, not "${given}"`);
  return ok({ fromMs: span.value.fromMs, toMs: span.value.toMs, intervalMs: interval.value });
}

/** All of them, or what is wrong, as lines. */
async function readFiles(
  context: CommandContext,
  names: readonly string[],
): Promise<Result<readonly RuleFile[], string>> {
  const parser = createQueryEngine({ reader: new MemoryStore(), clock: context.clock });
  const files: RuleFile[] = [];
  const problems: Diagnostic[] = [];
  for (const name of names) {
    // As the program names it: the times of a group's evaluations go by that.
    const path = resolveFrom(`${context.cwd}/.`, name);
    const read = await context.disk.readFile(path);
    if (!read.ok) return err(`Cannot read "${name}": ${read.error.message}\n`);
    const text = new TextDecoder().decode(read.value);
    const rules = readRules(text, { file: path, prepare: expr => parser.prepare(expr) });
    problems.push(...rules.diagnostics.filter(({ severity }) => severity === 'error'));
    if (rules.file !== undefined) files.push(rules.file);
  }
  if (problems.length > 0) return err(problems.map(one => `${formatDiagnostic(one)}\n`).join(''));
  return ok(files);
}

async function backfillInto(
  context: CommandContext,
  args: ParsedArgs,
  wanted: Asked & { readonly files: readonly RuleFile[]; readonly maxAgeMs: number; readonly store: Store },
): Promise<ExitCode> {
  const { store, files, intervalMs, maxAgeMs } = wanted;
  const { newestMs } = store.stats();
  const toMs = Math.min(wanted.toMs, newestMs);
  const fromMs = Math.max(wanted.fromMs, newestMs - maxAgeMs);
  if (fromMs > wanted.fromMs)
    context.warn(
      `what is older than ${new Date(fromMs).toISOString()} would be dropped for its age: left out\n`,
    );
  const query = createQueryEngine({ reader: store, clock: context.clock });
  let worst: ExitCode = 0;
  const asked = { files, fromMs, toMs, intervalMs, queryOffsetMs: 0 };
  if (fromMs > toMs) {
    context.warn('there are no samples in this span\n');
    return 1;
  }
  for await (const rule of backfillRules({ query, store }, asked)) {
    if (rule.failure !== '') worst = 1;
    context.out(args.flag('json') ? `${JSON.stringify(rule)}\n` : `${ruleText(rule)}\n`);
  }
  return worst;
}

function ruleText({ group, record, samples, series, failure }: BackfilledRule): string {
  const done = `${counted(samples, 'sample')} of ${counted(series, 'series')}`;
  return `${group}: ${record}: ${failure === '' ? done : `${failure} (${done} were recorded before)`}`;
}
