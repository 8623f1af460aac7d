// watchkeeper import openmetrics: samples with timestamps in a text file become ours.

import { resolveFrom } from '../config/index.ts';
import { importOpenMetrics, type OpenMetricsFailure } from '../interchange/index.ts';
import { type CommandContext, type ExitCode, type ParsedArgs, readArgs } from './command.ts';
import { openOffline, retentionMs, storeFolder } from './history.ts';
import { counted } from './render/index.ts';
import { type Subcommand, wrongUsage } from './subcommand.ts';

/** As the store has it: how far behind now a sample may lie. */
const FUTURE_MS = 10 * 60_000;

export const importOpenMetricsCommand: Subcommand = {
  name: 'import openmetrics',
  says: 'samples with timestamps in a text file',
  usage: `usage: watchkeeper import openmetrics FILE [options]

  FILE             OpenMetrics with a timestamp behind each value, and "# EOF" at its end; - is standard input
  --data DIR       data folder of the Watchkeeper, which must not run meanwhile (default: data)
  --retention AGE  samples older than this are left out (default: storage.retention of --config, else 15d)
  --config F       for storage.retention (default: watchkeeper.yml here, if it exists)
  --json           the report as one JSON object

The samples may come in any order. All of the file is read before anything is written; where a line cannot be read its place is told and nothing
is. The same file may be imported twice: it counts once. Exemplars are left out. Exit code 1: something was left out, or the file is wrong.
`,
  async run(context) {
    const args = readArgs(context.args, {
      data: { type: 'string' },
      retention: { type: 'string' },
      config: { type: 'string' },
      json: { type: 'boolean' },
    });
    if (!args.ok) return wrongUsage(context, importOpenMetricsCommand, args.error);
    const [file, ...more] = args.value.words;
    if (file === undefined || more.length > 0)
      return wrongUsage(context, importOpenMetricsCommand, 'one file expected');
    const maxAge = await retentionMs(context, args.value);
    if (!maxAge.ok) return wrongUsage(context, importOpenMetricsCommand, maxAge.error);
    const path = file === '-' ? '/dev/stdin' : resolveFrom(`${context.cwd}/.`, file);
    const read = await context.disk.readFile(path);
    if (!read.ok) {
      context.warn(`Cannot read "${file}": ${read.error.message}\n`);
      return 1;
    }
    return importBytes(context, args.value, { file, bytes: read.value, maxAgeMs: maxAge.value });
  },
};

async function importBytes(
  context: CommandContext,
  args: ParsedArgs,
  from: { readonly file: string; readonly bytes: Uint8Array; readonly maxAgeMs: number },
): Promise<ExitCode> {
  const { bytes, maxAgeMs } = from;
  const { folder } = await storeFolder(context, args.text('data') ?? 'data');
  const opened = await openOffline(context, { folder, maxAgeMs });
  if (!opened.ok) {
    const remedy = opened.error.code === 'disk-locked' ? ' (stop the Watchkeeper that has it first)' : '';
    context.warn(`${opened.error.message}${remedy}\n`);
    return 1;
  }
  const store = opened.value;
  try {
    const latestMs = context.clock.nowMs() + FUTURE_MS;
    const done = await importOpenMetrics({
      ...{ store, bytes, maxAgeMs, latestMs },
      storeNewestMs: store.stats().newestMs,
    });
    if (!done.ok) {
      context.warn(failureText(from.file, done.error));
      return 1;
    }
    const { samples, series, tooOld, fromFuture, conflicts } = done.value;
    const left = [
      tooOld > 0 ? `Left out: ${counted(tooOld, 'sample')} older than the retention.\n` : '',
      fromFuture > 0 ? `Left out: ${counted(fromFuture, 'sample')} from the future.\n` : '',
      conflicts > 0 ? `Left out: ${counted(conflicts, 'second value')} of a series at one time.\n` : '',
    ];
    context.out(
      args.flag('json')
        ? `${JSON.stringify(done.value)}\n`
        : `Imported ${counted(samples, 'sample')} of ${counted(series, 'series')}.\n${left.join('')}`,
    );
    return tooOld + fromFuture + conflicts === 0 ? 0 : 1;
  } finally {
    await store.close();
  }
}

function failureText(file: string, failure: OpenMetricsFailure): string {
  return failure.kind === 'page'
    ? `${file}: ${failure.failure.message}\n`
    : `Cannot go on: ${failure.error.message}\nThe same command may be run again.\n`;
}
