// One collection of this host: every enabled collector side by side, each with its deadline, none able to spoil the page.

import { type Clock, type Disk, type Exec, type Log, withDeadline } from '../../base/index.ts';
import { compileRegex, type MetricFamily } from '../../model/index.ts';
import { COLLECTORS } from './collectors/index.ts';
import type { HostFacts } from './facts.ts';
import { HostFiles } from './files.ts';
import { absent, type Collect, type CollectorKind, failed, type Host, type Outcome } from './kind.ts';
import { Page } from './page.ts';
import type { HostSettings } from './settings.ts';

export interface HostPorts {
  readonly disk: Disk;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly facts: HostFacts;
  readonly log: Log;
  readonly settings: HostSettings;
}

export interface HostCollector {
  collect(signal?: AbortSignal): Promise<readonly MetricFamily[]>;
}

/**
 * A collector that found nothing of its kind is asked again after this time only: most of them are about hardware
 * that this host does not have, and looking for it every 15 s would cost more than all useful reading.
 */
const ABSENT_RECHECK_MS = 60_000;

/** Texts remembered per pattern: device and field names, a small set on any host; beyond it they are matched anew. */
const MATCHES_KEPT_MAX = 10_000;

interface Running {
  readonly name: string;
  readonly collect: Collect;
  /** A reading that outlived its deadline: it is not started a second time beside itself. */
  stuck: boolean;
  absentSinceMs: number | undefined;
  lastReason: string;
}

interface Done {
  readonly name: string;
  readonly page: Page;
  readonly outcome: Outcome;
  readonly durationSeconds: number;
}

export function createHostCollector(ports: HostPorts): HostCollector {
  const host = hostOf(ports);
  const running = chosenCollectors(ports).map(kind => ({
    name: kind.name,
    collect: kind.create(host),
    stuck: false,
    absentSinceMs: undefined,
    lastReason: '',
  }));
  return {
    collect: async signal => {
      const done = await eachUntil(signal, running, (one, own) => collectOne(ports, one, own));
      return assemble(done);
    },
  };
}

function chosenCollectors(ports: HostPorts): readonly CollectorKind[] {
  const { enable, disable } = ports.settings;
  const known = new Set(COLLECTORS.map(kind => kind.name));
  for (const name of [...enable, ...disable]) {
    if (!known.has(name)) {
      ports.log.log(
        'warn',
        `Choosing host collectors: "${name}": no collector has this name; it is left out`,
      );
    }
  }
  const onLinux = ports.facts.platform === 'linux';
  return COLLECTORS.filter(
    kind =>
      (kind.platform === 'linux') === onLinux &&
      (kind.enabledByDefault || enable.includes(kind.name)) &&
      !disable.includes(kind.name),
  );
}

function hostOf(ports: HostPorts): Host {
  const { settings, log } = ports;
  return {
    files: new HostFiles(ports.disk),
    exec: ports.exec,
    clock: ports.clock,
    facts: ports.facts,
    settings,
    matcher: pattern => matcherOf(pattern, log),
    proc: path => `${settings.procfs}/${path}`,
    sys: path => `${settings.sysfs}/${path}`,
    root: path => `${settings.rootfs.replace(/\/$/, '')}${path}`,
  };
}

/** node_exporter looks for its patterns anywhere in the text; ours are anchored, hence the ends. */
function matcherOf(pattern: string, log: Log): (text: string) => boolean {
  if (pattern === '') return () => false;
  // By itself first: "a)|(b" is a pattern only between the parentheses of ours.
  const alone = compileRegex(pattern);
  const compiled = alone.ok ? compileRegex(`.*(?:${pattern}).*`) : alone;
  if (!compiled.ok) {
    log.log('warn', `Reading a host pattern: "${pattern}": ${compiled.error}; it matches nothing`);
    return () => false;
  }
  const known = new Map<string, boolean>();
  return text => {
    let matches = known.get(text);
    if (matches === undefined) {
      matches = compiled.value.test(text);
      if (known.size < MATCHES_KEPT_MAX) known.set(text, matches);
    }
    return matches;
  };
}

/** Gives each a signal of its own behind one listener on the caller's: some forty on one signal would look like a leak. */
async function eachUntil<T, R>(
  signal: AbortSignal | undefined,
  items: readonly T[],
  work: (item: T, own: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const controllers = items.map(() => new AbortController());
  const abortAll = (): void => {
    for (const controller of controllers) controller.abort(signal?.reason);
  };
  if (signal?.aborted) abortAll();
  signal?.addEventListener('abort', abortAll, { once: true });
  try {
    return await Promise.all(items.map((item, i) => work(item, (controllers[i] as AbortController).signal)));
  } finally {
    signal?.removeEventListener('abort', abortAll);
  }
}

async function collectOne(ports: HostPorts, one: Running, signal: AbortSignal | undefined): Promise<Done> {
  const { clock } = ports;
  const startMs = clock.monotonicMs();
  const page = new Page();
  const outcome = await outcomeOf(ports, { one, page, signal });
  if (outcome.kind !== 'absent') one.absentSinceMs = undefined;
  else one.absentSinceMs ??= startMs;
  noteReason(ports.log, one, outcome);
  return { name: one.name, page, outcome, durationSeconds: (clock.monotonicMs() - startMs) / 1000 };
}

async function outcomeOf(
  ports: HostPorts,
  task: { readonly one: Running; readonly page: Page; readonly signal: AbortSignal | undefined },
): Promise<Outcome> {
  const { one, page } = task;
  const { clock, settings } = ports;
  if (one.stuck) return failed('the reading before it has not ended yet');
  if (one.absentSinceMs !== undefined) {
    if (clock.monotonicMs() - one.absentSinceMs < ABSENT_RECHECK_MS) return absent(one.lastReason);
    one.absentSinceMs = undefined;
  }
  return withDeadline(
    clock,
    settings.collectorTimeoutMs,
    signal => {
      one.stuck = true;
      const work = one
        .collect(page, signal)
        // Foreign bytes are read here: a case nobody thought of must cost this collector, not the page.
        .catch((error: unknown) => failed(error instanceof Error ? error.message : String(error)))
        .finally(() => {
          one.stuck = false;
        });
      return Promise.race([work, abortedOutcome(signal)]);
    },
    task.signal,
  );
}

/** A read of a dead network mount may never return: it is left behind, not waited for. */
function abortedOutcome(signal: AbortSignal): Promise<Outcome> {
  return new Promise(resolve => {
    const stop = (): void =>
      resolve(failed('it took longer than its time limit, or the collection was given up'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** Each reason is logged when it first appears, not at every collection. */
function noteReason(log: Log, one: Running, outcome: Outcome): void {
  const reason = outcome.kind === 'ok' ? '' : outcome.reason;
  if (reason === one.lastReason) return;
  one.lastReason = reason;
  if (outcome.kind === 'ok') log.log('info', `Collecting "${one.name}" works again`);
  else if (outcome.kind === 'absent') log.log('debug', `Collecting "${one.name}": ${reason}`);
  else log.log('warn', `Collecting "${one.name}": ${reason}`);
}

function assemble(done: readonly Done[]): readonly MetricFamily[] {
  const page = new Page();
  for (const { page: part } of done) for (const family of part.families()) page.family(family);
  for (const { name, durationSeconds } of done) {
    const help = 'Time one collector of this host took, in seconds.';
    page.gauge('node_scrape_collector_duration_seconds', help, durationSeconds, { collector: name });
  }
  for (const { name, outcome } of done) {
    const help = 'Whether one collector of this host succeeded.';
    const value = outcome.kind === 'ok' ? 1 : 0;
    page.gauge('node_scrape_collector_success', help, value, { collector: name });
  }
  return page.families();
}
