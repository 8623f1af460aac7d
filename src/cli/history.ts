// What the commands that move history have in common: which samples, which store, and a store that is opened without the program.

import { plainSelector } from '../api/index.ts';
import { REGISTRIES, storeRetention } from '../app/index.ts';
import { type Clock, err, type Log, ok, parseDuration, type Result } from '../base/index.ts';
import { loadConfig, resolveFrom } from '../config/index.ts';
import { type Matcher, MetricRegistry } from '../model/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore, type Store, type StoreFailure } from '../storage/index.ts';
import type { CommandContext, OptionSpec, ParsedArgs } from './command.ts';
import { timeMs } from './instant.ts';
import { definedOnly } from './ports.ts';
import { progressText } from './render/index.ts';

/** Options of a selection of samples. */
export const SELECTION_OPTIONS = {
  from: { type: 'string' },
  to: { type: 'string' },
  match: { type: 'string', multiple: true },
} as const satisfies Readonly<Record<string, OptionSpec>>;

export interface AskedSamples {
  /** Both ends are included; infinite where none was given. */
  readonly fromMs: number;
  readonly toMs: number;
  /** One list a selector; none wants all series. */
  readonly anyOf: readonly (readonly Matcher[])[];
}

export function readSelection(args: ParsedArgs): Result<AskedSamples, string> {
  const ends: number[] = [];
  for (const [name, without] of [
    ['from', -Infinity],
    ['to', Infinity],
  ] as const) {
    const text = args.text(name);
    const time = text === undefined ? without : timeMs(text);
    if (Number.isNaN(time))
      return err(`--${name} "${text}" is no time: seconds since the epoch or RFC 3339 expected`);
    // Times of samples are whole milliseconds.
    ends.push(name === 'from' ? Math.ceil(time) : Math.floor(time));
  }
  const [fromMs = -Infinity, toMs = Infinity] = ends;
  if (fromMs > toMs) return err('--from lies behind --to');
  const anyOf: (readonly Matcher[])[] = [];
  for (const text of args.texts('match')) {
    const selector = plainSelector(text);
    if (!selector.ok) return err(`--match: ${selector.error}`);
    anyOf.push(selector.value);
  }
  return ok({ fromMs, toMs, anyOf });
}

/** A data folder's store; the store of a snapshot may lie by itself. */
export async function storeFolder(
  { disk, cwd }: CommandContext,
  named: string,
): Promise<{ readonly folder: string; readonly exists: boolean }> {
  const folder = resolveFrom(`${cwd}/.`, named);
  const inside = await disk.stat(`${folder}/store`);
  if (inside.ok) return { folder: `${folder}/store`, exists: true };
  const format = await disk.stat(`${folder}/FORMAT`);
  return format.ok ? { folder, exists: true } : { folder: `${folder}/store`, exists: false };
}

/** As `run` would have it with the same words: `--retention`, else what the configuration says. */
export async function retentionMs(
  context: CommandContext,
  args: ParsedArgs,
): Promise<Result<number, string>> {
  const text = args.text('retention');
  if (text !== undefined) {
    const parsed = parseDuration(text);
    return parsed.ok && parsed.value > 0 ? parsed : err('--retention is a duration, such as 15d');
  }
  const here = `${context.cwd}/watchkeeper.yml`;
  const named = args.text('config') ?? ((await context.disk.stat(here)).ok ? here : undefined);
  if (named === undefined) return ok(DEFAULT_STORE_SETTINGS.maxAgeMs);
  const { config, diagnostics } = await loadConfig({
    disk: context.disk,
    env: definedOnly(context.env),
    paths: { watchkeeper: resolveFrom(`${context.cwd}/.`, named) },
    registries: REGISTRIES,
  });
  // Nothing of what is kept longest may be taken for too old.
  if (config !== undefined) return ok(storeRetention(config.storage, config.storage.retentionMs).maxAgeMs);
  const [first] = diagnostics.filter(({ severity }) => severity === 'error');
  return err(`"${named}" cannot be read for storage.retention: ${first?.message ?? 'it is wrong'}`);
}

/** Opened for one command: nothing happens in it by itself, and nothing is dropped for its age. */
export function openOffline(
  context: CommandContext,
  options: { readonly folder: string; readonly maxAgeMs: number },
): Promise<Result<Store, StoreFailure>> {
  const { disk, clock } = context;
  return openStore({
    ...{ disk, folder: options.folder, clock: withoutTimers(clock), log: warnings(context) },
    metrics: new MetricRegistry(),
    settings: { ...DEFAULT_STORE_SETTINGS, maxAgeMs: options.maxAgeMs },
  });
}

/** Only what is due at once: pauses between slices of work, but no maintenance and no compaction. */
function withoutTimers(clock: Clock): Clock {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, fire) => (delayMs > 0 ? { cancel: () => {} } : clock.after(0, fire)),
  };
}

function warnings(context: CommandContext): Log {
  return {
    log: (level, message, fields = {}) => {
      if (level !== 'warn' && level !== 'error') return;
      const told = Object.entries(fields).flatMap(([name, value]) =>
        value === undefined ? [] : [`${name}: ${value}`],
      );
      context.warn(`${[message, ...told].join('; ')}\n`);
    },
  };
}

export interface ProgressLine {
  show(progress: { readonly share: number; readonly samples: number }): void;
  /** Leaves an empty line. */
  clear(): void;
}

/** Looks at it a few times a second are enough. */
const SHOW_EVERY_MS = 200;

/** A bar on a terminal, nothing elsewhere. */
export function progressLine(context: CommandContext, isWanted: boolean): ProgressLine {
  const { clock, columns } = context;
  if (!context.isTerminal || !isWanted) return { show: () => {}, clear: () => {} };
  const startedMs = clock.monotonicMs();
  let shownMs = -Infinity;
  return {
    show: progress => {
      const nowMs = clock.monotonicMs();
      if (nowMs - shownMs < SHOW_EVERY_MS) return;
      shownMs = nowMs;
      context.warn(`\r\u001b[2K${progressText({ ...progress, elapsedMs: nowMs - startedMs, columns })}`);
    },
    clear: () => {
      if (shownMs > -Infinity) context.warn('\r\u001b[2K');
    },
  };
}
