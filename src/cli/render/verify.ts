// What a look through the store found, as lines: one a finding, with its place and remedy, then what was repaired and lost.

import type { Finding, VerifyReport } from '../../storage/index.ts';
import { byteText, counted, grouped } from './numbers.ts';
import { visible } from './width.ts';

export function verifyText(report: VerifyReport, folder: string): string {
  const { findings, repairs, remaining, mode } = report;
  const lines = [
    `${visible(folder)}: ${countsText(report)}`,
    ...(mode === 'beside'
      ? ['note: another process has it open: nothing was changed, and what it was writing was passed over']
      : []),
    ...findings.map(findingText),
    ...repairs.map(
      ({ file, done, lost }) =>
        `repaired: ${visible(file)}: ${visible(done)}${lost === '' ? '; nothing is lost' : `; lost: ${visible(lost)}`}`,
    ),
    ...(repairs.length > 0 ? remaining.map(finding => `still ${findingText(finding)}`) : []),
    verdictOf(report),
  ];
  return `${lines.join('\n')}\n`;
}

function countsText({ counts }: VerifyReport): string {
  return [
    `${counted(counts.blocks, 'block')} with ${counted(counts.blockSamples, 'sample')}`,
    `${counted(counts.headFiles, 'file')} of the head with ${counted(counts.chunks, 'chunk')}`,
    `${grouped(counts.openSamples)} open samples`,
    `${counted(counts.headSeries, 'known series')}`,
    byteText(counts.bytes),
  ].join(', ');
}

function findingText({ severity, code, file, offset, message, remedy }: Finding): string {
  const text = `${visible(file)}:${offset}: ${code}: ${visible(message)} (${remedy})`;
  return severity === 'error' ? `error: ${text}` : `note: ${text}`;
}

function verdictOf({ findings, repairs, remaining }: VerifyReport): string {
  const left = errorsIn(repairs.length === 0 ? findings : remaining);
  if (repairs.length === 0) return left === 0 ? 'all is sound' : counted(left, 'problem');
  const lost = repairs.filter(one => one.lost !== '').length;
  const repaired = `${counted(repairs.length, 'repair')}, ${lost === 0 ? 'nothing lost' : `something lost in ${lost} of them`}`;
  return left === 0 ? `${repaired}; all is sound now` : `${repaired}; ${counted(left, 'problem')} left`;
}

function errorsIn(findings: readonly Finding[]): number {
  return findings.filter(({ severity }) => severity === 'error').length;
}
