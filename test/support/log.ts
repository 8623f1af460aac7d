// A log that keeps its lines for the test to look at.

import type { Log, LogFields, LogLevel } from '../../src/base/index.ts';

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export class CollectingLog implements Log {
  readonly lines: LogLine[] = [];

  log(level: LogLevel, message: string, fields: LogFields = {}): void {
    this.lines.push({ level, message, fields });
  }

  /** Messages of one level, or of all. */
  messages(level?: LogLevel): readonly string[] {
    return this.lines.filter(line => level === undefined || line.level === level).map(line => line.message);
  }
}
