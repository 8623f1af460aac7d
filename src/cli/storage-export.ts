// watchkeeper storage export: what is stored in the formats of others. A line of the table below a format.

import { err, ok, type Result } from '../base/index.ts';
import { resolveFrom } from '../config/index.ts';
import { exportPrometheus, findBlocks } from '../interchange/index.ts';
import type { TimeRange } from '../model/index.ts';
import { systemRandom } from '../os/index.ts';
import type { Store } from '../storage/index.ts';
import { type CommandContext, type ExitCode, type ParsedArgs, readArgs } from './command.ts';
import type { Exporting, ExportTold } from './export-format.ts';
import {
  type AskedSamples,
  openOffline,
  progressLine,
  readSelection,
  SELECTION_OPTIONS,
  storeFolder,
} from './history.ts';
import { counted } from './render/index.ts';
import { exportAs } from './storage-export-text.ts';
import { type Subcommand, wrongUsage } from './subcommand.ts';

/** As good as none: nothing is dropped for its age by who only reads. */
const NO_AGE_MS = 100 * 365 * 86_400_000;

/** A way out: picked by the option of its name. */
interface ExportFormat {
  readonly option: string;
  run(exporting: Exporting): Promise<Result<ExportTold, string>>;
}

const FORMATS: readonly ExportFormat[] = [
  { option: 'prometheus', run: exportToPrometheus },
  { option: 'csv', run: exportAs('csv') },
  { option: 'jsonl', run: exportAs('jsonl') },
];

const OPTIONS = {
  prometheus: { type: 'string' },
  csv: { type: 'string' },
  jsonl: { type: 'string' },
  data: { type: 'string' },
  ...SELECTION_OPTIONS,
  'custom-buckets': { type: 'boolean' },
  force: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

export const storageExport: Subcommand = {
  name: 'storage export',
  says: 'write samples in the formats of others',
  usage: `usage: watchkeeper storage export --prometheus DIR | --csv FILE | --jsonl FILE [options]

  --prometheus DIR   blocks as Prometheus 2.42 and later read them, put into this folder
  --csv FILE         a line a sample: time, value, and a column for each label; - is standard output
  --jsonl FILE       a JSON object a series and stretch of time, as VictoriaMetrics exports and imports it; - is standard output
  --data DIR         data folder, or a snapshot, of a Watchkeeper that does not run (default: data)
  --from T, --to T   only samples of this span: seconds since the epoch, or RFC 3339
  --match S          only series that this selector fits, such as 'up{job="node"}'; may be given several times
  --custom-buckets   histograms with bounds of their own too, which Prometheus reads from 3.0 on
  --force            put blocks beside those that are in the folder already, or replace the file
  --json             the report as one JSON object

A running Watchkeeper keeps its folder to itself: export a snapshot of it. Exemplars, metadata and start times have no place in
such blocks, nor native histograms in text. Exit code 1: something was left out, or the export could not be finished.
`,
  async run(context) {
    const args = readArgs(context.args, OPTIONS);
    if (!args.ok) return wrongUsage(context, storageExport, args.error);
    const asked = readAsked(args.value);
    if (!asked.ok) return wrongUsage(context, storageExport, asked.error);
    const { folder, exists } = await storeFolder(context, args.value.text('data') ?? 'data');
    if (!exists) {
      context.warn(`Cannot export: there is no store in "${folder}"\n`);
      return 1;
    }
    const opened = await openOffline(context, { folder, maxAgeMs: NO_AGE_MS });
    if (!opened.ok) {
      const remedy = opened.error.code === 'disk-locked' ? ' (export a snapshot of it)' : '';
      context.warn(`${opened.error.message}${remedy}\n`);
      return 1;
    }
    try {
      return await exportFrom(context, args.value, { ...asked.value, store: opened.value });
    } finally {
      await opened.value.close();
    }
  },
};

interface Asked {
  readonly format: ExportFormat;
  readonly target: string;
  readonly selection: AskedSamples;
}

function readAsked(args: ParsedArgs): Result<Asked, string> {
  if (args.words.length > 0) return err(`"${args.words[0]}" is too much`);
  const [format, ...more] = FORMATS.filter(({ option }) => args.text(option) !== undefined);
  const target = format && args.text(format.option);
  if (format === undefined || more.length > 0 || target === undefined || target === '')
    return err(`one of ${FORMATS.map(({ option }) => `--${option}`).join(', ')} expected`);
  const selection = readSelection(args);
  return selection.ok ? ok({ format, target, selection: selection.value }) : selection;
}

async function exportFrom(
  context: CommandContext,
  args: ParsedArgs,
  asked: Asked & { readonly store: Store },
): Promise<ExitCode> {
  const { store, selection, format } = asked;
  const stored = await rangeOf(store);
  const range = {
    fromMs: Math.max(stored.fromMs, selection.fromMs),
    toMs: Math.min(stored.toMs, selection.toMs),
  };
  const target = resolveFrom(`${context.cwd}/.`, asked.target);
  const told = await format.run({ context, args, store, selection, range, target });
  if (!told.ok) {
    context.warn(`${told.error}\n`);
    return 1;
  }
  if (told.value.json === undefined || !args.flag('json')) context.out(told.value.text);
  else context.out(`${JSON.stringify(told.value.json)}\n`);
  return told.value.isPart ? 1 : 0;
}

/** Of all samples; from Infinity to -Infinity without any. */
async function rangeOf(store: Store): Promise<TimeRange> {
  const head = await store.counts(0);
  const blocks = store.stats().blocks.filter(({ samples }) => samples > 0);
  return {
    fromMs: Math.min(head.minMs, ...blocks.map(({ minMs }) => minMs)),
    toMs: Math.max(head.maxMs, ...blocks.map(({ maxMs }) => maxMs)),
  };
}

async function exportToPrometheus(exporting: Exporting): Promise<Result<ExportTold, string>> {
  const { context, args, store, target, selection, range } = exporting;
  const { disk, clock } = context;
  const found = await findBlocks(disk, target, { add: () => {} });
  if (found.ok && found.value.length > 0 && !args.flag('force'))
    return err(
      `Cannot export to "${target}": it has blocks already. Name another folder, or give --force to put more beside them`,
    );
  const line = progressLine(context, !args.flag('json'));
  const exported = await exportPrometheus({
    ...{ disk, clock, reader: store, folder: target, range, anyOf: selection.anyOf },
    random: systemRandom(),
    spans: range.fromMs <= range.toMs ? store.oldSpans(range) : [],
    customBuckets: args.flag('custom-buckets'),
    onProgress: line.show,
  });
  line.clear();
  if (!exported.ok) {
    const { error } = exported;
    return err(
      error.kind === 'read'
        ? `Cannot go on: ${error.error.message}`
        : `Cannot go on: ${error.error.op} "${error.error.path}": ${error.error.message}`,
    );
  }
  const { blocks, samples, refused } = exported.value;
  const left =
    refused === 0
      ? ''
      : `Left out: ${counted(refused, 'histogram')} with bounds of their own, which Prometheus reads from 3.0 on; --custom-buckets writes them.\n`;
  const text = `Exported ${counted(samples, 'sample')} in ${counted(blocks, 'block')} to "${target}".\n${left}`;
  return ok({ text, json: exported.value, isPart: refused > 0 });
}
