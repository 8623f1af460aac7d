// The differences between a shadow and what it runs beside, as text.

import { counted } from './numbers.ts';
import { visible } from './width.ts';

export interface ShownDifference {
  readonly kind: string;
  readonly subject: string;
  readonly here: string;
  readonly there: string;
  readonly reason: string;
}

export interface ShadowReport {
  readonly comparedWith: readonly string[];
  readonly looks: number;
  readonly toleranceMs: number;
  readonly differences: readonly ShownDifference[];
  /** Seen, and too short to be told from the phase of evaluation. */
  readonly passing: readonly ShownDifference[];
  /** They follow from when the shadow began. */
  readonly expected: readonly ShownDifference[];
  readonly notes: readonly string[];
}

export function shadowText(report: ShadowReport): string {
  const { differences, passing, expected, notes } = report;
  const looks = report.looks > 1 ? ` in ${report.looks} looks` : '';
  const lines = [
    `compared with ${report.comparedWith.join(' and ')}${looks}: ${counted(differences.length, 'difference')}`,
    ...differences.flatMap(differenceLines),
    ...sectionLines('passed within an interval and group_wait, or too young to tell', passing),
    ...sectionLines('as the shadow began later', expected),
    ...notes.map(note => `note: ${note}`),
  ];
  return `${lines.map(visible).join('\n')}\n`;
}

function sectionLines(title: string, list: readonly ShownDifference[]): readonly string[] {
  return list.length === 0 ? [] : [`${title}: ${list.length}`, ...list.flatMap(differenceLines)];
}

function differenceLines({ kind, subject, here, there, reason }: ShownDifference): readonly string[] {
  return [`  ${kind}  ${subject}`, `    here     ${here}`, `    there    ${there}`, `    because  ${reason}`];
}
