// What a command may do with its output: how wide, coloured or not, whose time.

import type { CommandContext } from './command.ts';
import { type Style, styleOf, type TimeTexts, timeTexts } from './render/index.ts';

export interface Terminal {
  /** Undefined where no terminal says so: nothing is cut then. */
  readonly width: number | undefined;
  readonly style: Style;
  readonly times: TimeTexts;
}

/** Colour on a terminal only, and not where NO_COLOR (no-color.org) or a dumb terminal forbids it. */
export function terminalOf({ isTerminal, columns, env, timeZone }: CommandContext): Terminal {
  const isColoured = isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return {
    width: isTerminal ? columns : undefined,
    style: styleOf(isColoured),
    times: timeTexts(timeZone),
  };
}
