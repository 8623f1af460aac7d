// watchkeeper import prometheus: the history of a Prometheus becomes ours.

import { unzstd } from '../collect/push/index.ts';
import { resolveFrom } from '../config/index.ts';
import {
  type Holder,
  holderOf,
  type ImportFailure,
  type ImportReport,
  importPrometheus,
  Ledger,
} from '../interchange/index.ts';
import { compileMatchers } from '../model/index.ts';
import type { Store } from '../storage/index.ts';
import { type CommandContext, type ExitCode, type ParsedArgs, readArgs } from './command.ts';
import {
  type AskedSamples,
  openOffline,
  progressLine,
  readSelection,
  retentionMs,
  SELECTION_OPTIONS,
  storeFolder,
} from './history.ts';
import { importText } from './render/index.ts';
import { type Subcommand, wrongUsage } from './subcommand.ts';

/** Beside the store's own files: what has been imported. */
const LEDGER = 'imported';
/** As the store has it: how far behind now a sample may lie. */
const FUTURE_MS = 10 * 60_000;

const OPTIONS = {
  data: { type: 'string' },
  config: { type: 'string' },
  retention: { type: 'string' },
  ...SELECTION_OPTIONS,
  force: { type: 'boolean' },
  again: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

export const importPrometheusCommand: Subcommand = {
  name: 'import prometheus',
  says: 'the history of a Prometheus: its blocks, and what is not in one yet',
  usage: `usage: watchkeeper import prometheus FOLDER [options]

  FOLDER         data folder of a Prometheus that does not run, or a snapshot of one that does
  --data DIR     data folder of the Watchkeeper, which must not run meanwhile (default: data)
  --from T, --to T
                 only samples of this span: seconds since the epoch, or RFC 3339
  --match S      only series that this selector fits, such as 'up{job="node"}'; may be given several times
  --retention AGE
                 samples older than this are left out (default: storage.retention of --config, else 15d)
  --config F     for storage.retention (default: watchkeeper.yml here, if it exists)
  --force        read the folder although a running Prometheus has it: the last minutes may be torn
  --again        what an earlier import brought in is brought in again, and counts once
  --json         the report as one JSON object

An import that was stopped goes on where it was when it is run again. What cannot be read is left out and told with its file and
place. Exit code 1: something was left out, or the import could not be finished.
`,
  async run(context) {
    const args = readArgs(context.args, OPTIONS);
    if (!args.ok) return wrongUsage(context, importPrometheusCommand, args.error);
    const [named, ...more] = args.value.words;
    if (named === undefined || more.length > 0)
      return wrongUsage(context, importPrometheusCommand, 'one folder of a Prometheus expected');
    const selection = readSelection(args.value);
    if (!selection.ok) return wrongUsage(context, importPrometheusCommand, selection.error);
    const maxAge = await retentionMs(context, args.value);
    if (!maxAge.ok) return wrongUsage(context, importPrometheusCommand, maxAge.error);
    const folder = resolveFrom(`${context.cwd}/.`, named);
    const refused = await refusal(context, folder, args.value.flag('force'));
    if (refused !== undefined) {
      context.warn(`${refused}\n`);
      return 1;
    }
    const wanted = { folder, selection: selection.value, maxAgeMs: maxAge.value };
    return importInto(context, args.value, wanted);
  },
};

interface Wanted {
  readonly folder: string;
  readonly selection: AskedSamples;
  readonly maxAgeMs: number;
}

/** Why the folder is not read; undefined where it is. */
async function refusal(
  context: CommandContext,
  folder: string,
  isForced: boolean,
): Promise<string | undefined> {
  const names = await context.disk.list(folder);
  if (!names.ok) return `Cannot import "${folder}": ${names.error.message}`;
  const holder = await holderOf(context.disk, folder, context.clock.nowMs());
  if (holder.kind === 'free') return undefined;
  const held = heldText(holder);
  if (isForced) {
    context.warn(`"${folder}": ${held}; it is read all the same, and its last minutes may be torn\n`);
    return undefined;
  }
  return `Cannot import "${folder}": ${held}. Stop it, or import a snapshot of it (POST /api/v1/admin/tsdb/snapshot), or give --force`;
}

function heldText(holder: Holder): string {
  return holder.kind === 'held'
    ? `a running Prometheus has it (process ${holder.pid})`
    : 'a running Prometheus may have it, which only root can see';
}

async function importInto(context: CommandContext, args: ParsedArgs, wanted: Wanted): Promise<ExitCode> {
  const { folder } = await storeFolder(context, args.text('data') ?? 'data');
  const opened = await openOffline(context, { folder, maxAgeMs: wanted.maxAgeMs });
  if (!opened.ok) {
    const remedy =
      opened.error.code === 'disk-locked' ? ' (a running Watchkeeper has to be stopped for an import)' : '';
    context.warn(`${opened.error.message}${remedy}\n`);
    return 1;
  }
  const store = opened.value;
  // Whoever interrupts it finds the store whole, and the next import goes on.
  void context.whenAskedToEnd().then(() => store.close());
  try {
    return await importWith(context, args, { ...wanted, store, ledgerPath: `${folder}/${LEDGER}` });
  } finally {
    await store.close();
  }
}

async function importWith(
  context: CommandContext,
  args: ParsedArgs,
  wanted: Wanted & { readonly store: Store; readonly ledgerPath: string },
): Promise<ExitCode> {
  const { disk, clock } = context;
  const { store, folder, selection, maxAgeMs } = wanted;
  const anyOf = selection.anyOf.map(compileMatchers);
  const wrong = anyOf.find(one => !one.ok);
  if (wrong?.ok === false) return wrongUsage(context, importPrometheusCommand, wrong.error);
  const ledger = await Ledger.open(disk, wanted.ledgerPath);
  if (!ledger.ok) return failed(context, { kind: 'disk', error: ledger.error });
  const line = progressLine(context, !args.flag('json'));
  const startedMs = clock.monotonicMs();
  try {
    const forgotten = args.flag('again') ? await ledger.value.forget() : undefined;
    if (forgotten?.ok === false) return failed(context, { kind: 'disk', error: forgotten.error });
    const report = await importPrometheus({
      ...{ disk, clock, store, folder, unzstd, maxAgeMs, ledger: ledger.value },
      selection: { ...selection, anyOf: anyOf.flatMap(one => (one.ok ? [one.value] : [])) },
      storeNewestMs: store.stats().newestMs,
      latestMs: clock.nowMs() + FUTURE_MS,
      onProgress: line.show,
    });
    line.clear();
    if (!report.ok) return failed(context, report.error);
    const tookMs = clock.monotonicMs() - startedMs;
    context.out(
      args.flag('json')
        ? `${JSON.stringify(report.value)}\n`
        : importText(report.value, { tookMs, maxAgeMs }),
    );
    return isWhole(report.value) ? 0 : 1;
  } finally {
    await ledger.value.close();
  }
}

function isWhole({ damageCount, blocksTooOld }: ImportReport): boolean {
  return damageCount === 0 && blocksTooOld === 0;
}

function failed(context: CommandContext, failure: ImportFailure): ExitCode {
  if (failure.kind === 'store' && failure.error.code === 'storage-closed')
    context.warn('The import was stopped; the same command goes on where it was.\n');
  else if (failure.kind === 'store') context.warn(`Cannot go on: ${failure.error.message}\n`);
  else {
    const { op, path, message } = failure.error;
    context.warn(`Cannot go on: ${op} "${path}": ${message}\nThe same command goes on where it was.\n`);
  }
  return 1;
}
