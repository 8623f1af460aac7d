// The configuration in force, and its change while the system runs: everything is read and checked before anything changes.

import type { ReloadOutcome } from '../api/index.ts';
import type { Clock, Log, Result } from '../base/index.ts';
import { type Config, type LoadOutcome, sameSettings } from '../config/index.ts';
import { type Diagnostic, formatDiagnostic } from '../model/index.ts';
import type { RuleFile } from '../rules/index.ts';
import type { NamedFiles, RulesAndTexts } from './rules.ts';
import { fixedPartOf } from './web.ts';

export interface InForce {
  readonly config: Config;
  readonly version: string;
  /** Those that it was read from. */
  readonly files: readonly string[];
  /** As YAML, without secrets. */
  readonly shown: string;
}

export function inForceOf(config: Config, { version, shown, files }: LoadOutcome): InForce {
  return { config, version, shown, files: files.map(file => file.path) };
}

export interface LastReload {
  readonly atMs: number;
  readonly ok: boolean;
  readonly problems: readonly string[];
}

/** How to put in force what it is about, or why that cannot be: then nothing is. */
export type PrepareReload = (config: Config) => Result<() => void, string>;

export interface ReloaderParts {
  readonly clock: Clock;
  readonly log: Log;
  /** What the process was started with. */
  readonly startedWith: Config;
  readonly load: () => Promise<LoadOutcome>;
  readonly readFiles: (from: RulesAndTexts) => NamedFiles;
  /** Puts a checked configuration in force; its rule files are read. */
  readonly apply: (next: InForce, ruleFiles: readonly RuleFile[]) => Promise<Result<void, string>>;
  readonly onRefused: (problems: readonly string[]) => void;
}

export interface Reloader {
  last(): LastReload;
  /** Asked in each reload, once the files are known to be right. */
  onReload(prepare: PrepareReload): void;
  reload(): Promise<ReloadOutcome>;
}

export function createReloader(parts: ReloaderParts): Reloader {
  const { clock, log } = parts;
  const preparations: PrepareReload[] = [];
  let last: LastReload = { atMs: clock.nowMs(), ok: true, problems: [] };

  const refuse = (problems: readonly string[]): ReloadOutcome => {
    last = { atMs: clock.nowMs(), ok: false, problems };
    log.log('error', 'The configuration was not reloaded: the one in force stays', {
      problems: problems.join('; '),
    });
    parts.onRefused(problems);
    return { ok: false, problems };
  };

  return {
    last: () => last,
    onReload: prepare => void preparations.push(prepare),
    async reload() {
      const loaded = await parts.load();
      const next = loaded.config;
      const read = next === undefined ? undefined : parts.readFiles({ ...loaded, config: next });
      const diagnostics = [...loaded.diagnostics, ...(read?.diagnostics ?? [])];
      const problems = diagnostics.map(formatDiagnostic);
      if (next === undefined || read === undefined || diagnostics.some(isError)) return refuse(problems);
      const prepared = preparations.map(prepare => prepare(next));
      const refusals = prepared.flatMap(one => (one.ok ? [] : [one.error]));
      if (refusals.length > 0) return refuse([...problems, ...refusals]);
      for (const one of prepared) if (one.ok) one.value();
      const applied = await parts.apply(inForceOf(next, loaded), read.files);
      const notes = needsRestart(parts.startedWith, next);
      const all = [...problems, ...notes, ...(applied.ok ? [] : [applied.error])];
      last = { atMs: clock.nowMs(), ok: applied.ok, problems: all };
      return { ok: applied.ok, problems: all };
    },
  };
}

/**
 * Settings that are read at the start only; a reload says so instead of passing over them. `before` is what the process was
 * started with: a change stays in wait until the next start.
 */
function needsRestart(before: Config, after: Config): readonly string[] {
  const parts = ['host', 'web', 'storage', 'query'] as const;
  const [old, now] = [before, after].map(config => ({ ...config, web: fixedPartOf(config.web) }));
  return parts
    .filter(part => !sameSettings(old?.[part], now?.[part]))
    .map(part => `"${part}" changed: it takes effect at the next start`);
}

export function isError(diagnostic: Diagnostic): boolean {
  return diagnostic.severity === 'error';
}
