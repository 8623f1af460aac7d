// What an import of history brought.

import { formatDuration } from '../../base/index.ts';
import type { ImportReport } from '../../interchange/index.ts';
import { counted } from './numbers.ts';

export function importText(
  report: ImportReport,
  about: { readonly tookMs: number; readonly maxAgeMs: number },
): string {
  const { samples, blocks, blocksDone, blocksTooOld, headSamples, headDone } = report;
  const lines = [
    `Imported ${counted(samples, 'sample')} in ${(about.tookMs / 1000).toFixed(1)} s: ${counted(blocks, 'block')}, and ${counted(headSamples, 'sample')} that were in none yet.`,
  ];
  if (blocksDone > 0 || headDone)
    lines.push(
      `Brought in before, and passed over: ${[
        ...(blocksDone > 0 ? [counted(blocksDone, 'block')] : []),
        ...(headDone ? ['the log'] : []),
      ].join(' and ')}.`,
    );
  if (blocksTooOld > 0)
    lines.push(
      `Left out, as it is older than the retention of ${formatDuration(about.maxAgeMs)}: ${counted(blocksTooOld, 'block')}, and all before ${new Date(report.oldestMs).toISOString()}. A longer storage.retention, or --retention here and for run, keeps it.`,
    );
  if (report.damageCount > 0) {
    lines.push(`Left out, as it cannot be read: ${counted(report.damageCount, 'place')}.`);
    for (const { file, offset, cause } of report.damage)
      lines.push(`  ${file}:${offset}: import-damaged: ${cause}`);
    const more = report.damageCount - report.damage.length;
    if (more > 0) lines.push(`  and ${counted(more, 'place')} more`);
  }
  return `${lines.join('\n')}\n`;
}
