// The log: lines on stderr, for people or as JSON.

import type { Clock, Log, LogFields, LogLevel } from '../base/index.ts';

export interface LogSettings {
  readonly format: 'text' | 'json';
  /** Lines below this level are left out. */
  readonly level: LogLevel;
  readonly clock: Clock;
  /** Where lines go, stderr if left out. */
  readonly write?: (line: string) => void;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

export function streamLog(settings: LogSettings): Log {
  const write = settings.write ?? ((line: string) => void process.stderr.write(line));
  return {
    log: (level, message, fields = {}) => {
      if (RANK[level] < RANK[settings.level]) return;
      const time = new Date(settings.clock.nowMs()).toISOString();
      write(
        settings.format === 'json'
          ? jsonLine(time, level, message, fields)
          : textLine(time, level, message, fields),
      );
    },
  };
}

function jsonLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  return `${JSON.stringify({ time, level, message, ...fields })}\n`;
}

function textLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  let line = `${time} ${level.toUpperCase().padEnd(5)} ${oneLine(message)}`;
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const text = String(value);
    line += ` ${name}=${/^[\w.:/@%+-]+$/.test(text) ? text : JSON.stringify(text)}`;
  }
  return `${line}\n`;
}

/** Control characters are escaped: text from outside must not forge lines or move a terminal's cursor. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, one => JSON.stringify(one).slice(1, -1));
}
