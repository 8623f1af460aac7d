// storage export --csv and --jsonl: samples as text into a file, or to standard output.

import { type DiskFile, err, ok, type Result } from '../base/index.ts';
import { type ExportFailure, exportText, type TextExportOptions } from '../interchange/index.ts';
import type { Exporting, ExportTold } from './export-format.ts';
import { progressLine } from './history.ts';
import { counted } from './render/index.ts';

/** Standard output. */
const STDOUT = '-';

export function exportAs(format: TextExportOptions['format']) {
  return async (exporting: Exporting): Promise<Result<ExportTold, string>> => {
    const { context, args, target } = exporting;
    const isOut = args.text(format) === STDOUT;
    // A text that is there whole, or not at all, under its name.
    const passing = `${target}.new`;
    const file = isOut ? undefined : await openNew(exporting, passing);
    if (file !== undefined && !file.ok) return file;
    const line = progressLine(context, !isOut && !args.flag('json'));
    const write = async (text: string): Promise<Result<void, ExportFailure>> => {
      if (file === undefined) {
        context.out(text);
        return ok(undefined);
      }
      const written = await file.value.write(new TextEncoder().encode(text));
      return written.ok ? written : err({ kind: 'disk', error: written.error });
    };
    const { store, selection, range } = exporting;
    const done = await exportText({
      ...{ format, range, reader: store, anyOf: selection.anyOf, write, onProgress: line.show },
      spans: range.fromMs <= range.toMs ? store.oldSpans(range) : [],
    });
    line.clear();
    const placed =
      file === undefined ? ok(undefined) : await place(exporting, file.value, { passing, isWhole: done.ok });
    if (!done.ok) return err(failureText(done.error));
    if (!placed.ok) return placed;
    const { samples, histograms } = done.value;
    const left =
      histograms === 0
        ? ''
        : `Left out: ${counted(histograms, 'native histogram')}, which have no place in it.\n`;
    const text = `Exported ${counted(samples, 'sample')} to "${target}".\n${left}`;
    if (isOut && left !== '') context.warn(left);
    return ok({ text: isOut ? '' : text, json: isOut ? undefined : done.value, isPart: histograms > 0 });
  };
}

async function openNew(
  { context: { disk }, args, target }: Exporting,
  passing: string,
): Promise<Result<DiskFile, string>> {
  const there = await disk.stat(target);
  if (there.ok && !args.flag('force'))
    return err(
      `Cannot export to "${target}": it is there already. Name another file, or give --force to replace it`,
    );
  await disk.remove(passing);
  const opened = await disk.open(passing, 'create');
  return opened.ok ? opened : err(`Cannot write "${passing}": ${opened.error.message}`);
}

async function place(
  { context: { disk }, target }: Exporting,
  file: DiskFile,
  { passing, isWhole }: { readonly passing: string; readonly isWhole: boolean },
): Promise<Result<void, string>> {
  const synced = isWhole ? await file.sync() : ok(undefined);
  await file.close();
  const renamed = isWhole && synced.ok ? await disk.rename(passing, target) : synced;
  if (!isWhole || !renamed.ok) await disk.remove(passing);
  return renamed.ok ? ok(undefined) : err(`Cannot write "${target}": ${renamed.error.message}`);
}

function failureText(failure: ExportFailure): string {
  return failure.kind === 'read'
    ? `Cannot go on: ${failure.error.message}`
    : `Cannot go on: ${failure.error.op} "${failure.error.path}": ${failure.error.message}`;
}
