// Configuration files of Prometheus, Alertmanager and of real projects: each loads or is refused as upstream says.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Random } from '../../src/base/index.ts';
import {
  checkText,
  detectKind,
  httpConfig,
  list,
  loadConfig,
  parseDocument,
  parseMatchers,
  type Registries,
  readDocument,
  type Schema,
  targetGroup,
  timeIntervalSpec,
} from '../../src/config/index.ts';
import { discoveryKinds } from '../../src/discovery/index.ts';
import { type Diagnostic, formatDiagnostic } from '../../src/model/index.ts';
import { channels } from '../../src/notify/index.ts';
import { describeCorpus, readJsonLines, reportCases } from '../support/corpora.ts';
import { diskFromFolder } from '../support/disk-from-folder.ts';
import { seededRandom } from '../support/random.ts';

interface Expected {
  readonly file: string;
  readonly load: 'ok' | 'fail';
  readonly errors?: readonly string[];
  readonly mode?: string;
  readonly stage?: string;
  readonly note?: string;
  readonly expect?: Readonly<Record<string, string>>;
}

/** The kinds that the stages bring; without them config's own stand in their places. */
const registries: Registries = { channels, discovery: discoveryKinds };

/** Whether ours names what upstream's message names: a key, or a value in quotes. */
function namesTheSame(upstream: readonly string[], ours: readonly Diagnostic[]): boolean {
  const text = ours.map(one => `${one.message} ${one.path} ${one.remedy ?? ''}`.toLowerCase()).join('\n');
  const words = upstream.flatMap(message => [
    ...[...message.matchAll(/["'`]([^"'`]+)["'`]/g)].map(match => match[1] ?? ''),
    ...(message.match(/\b[a-z0-9]+(?:_[a-z0-9]+)+\b/g) ?? []),
  ]);
  if (words.length === 0) {
    // Plain prose: most of its longer words have to be there.
    const prose =
      upstream
        .join(' ')
        .toLowerCase()
        .match(/[a-z]{4,}/g) ?? [];
    return prose.some(word => text.includes(word));
  }
  return words.some(word => text.includes(word.toLowerCase()));
}

function errorsOf(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.filter(one => one.severity === 'error');
}

/** Every verdict is asserted; how many messages name the same field is printed. */
class Tally {
  files = 0;
  refused = 0;
  agree = 0;
  readonly silent: string[] = [];
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  count(
    row: { readonly name: string; readonly errors: readonly string[] },
    ours: readonly Diagnostic[],
  ): void {
    this.files += 1;
    if (row.errors.length === 0) return;
    this.refused += 1;
    if (namesTheSame(row.errors, ours)) this.agree += 1;
    else this.silent.push(row.name);
  }

  report(): void {
    reportCases(this.name, { files: this.files, cases: this.files });
    console.log(`  of ${this.refused} refused, ${this.agree} messages name what upstream's names`);
    if (process.env['CONFORMANCE_VERBOSE'] === '1') console.log(`  others: ${this.silent.join(' ')}`);
  }
}

function check(verdict: string, ours: readonly Diagnostic[]): void {
  const errors = errorsOf(ours);
  expect(errors.length === 0 ? 'ok' : 'fail', errors.map(formatDiagnostic).join('\n')).toBe(verdict);
  for (const one of errors) {
    expect(one.line, formatDiagnostic(one)).toBeGreaterThan(0);
    expect(one.column, formatDiagnostic(one)).toBeGreaterThan(0);
    expect(one.message).toMatch(/^Cannot /);
  }
}

describeCorpus('prometheus/config', folder => {
  const tally = new Tally('prometheus/config');
  for (const row of readJsonLines<Expected>(join(folder, 'expected.jsonl'))) {
    it(`${row.file}: ${row.load}`, async () => {
      const text = readFileSync(join(folder, row.file), 'utf8');
      const ours =
        row.note?.startsWith('not a main config') === true
          ? readDocument(parseDocument(text, row.file), targetGroup).diagnostics
          : row.stage === undefined
            ? checkText('prometheus', { text, file: row.file }, { agent: row.mode === 'agent', registries })
            : (await loadFrom(folder, row.file)).diagnostics;
      check(row.load, ours);
      tally.count({ name: row.file, errors: row.errors ?? [] }, errorsOf(ours));
      if (row.errors !== undefined && row.errors.length > 0) {
        expect(namesTheSame(row.errors ?? [], errorsOf(ours)), ours.map(formatDiagnostic).join('\n')).toBe(
          true,
        );
      }
    });
    if (row.expect === undefined) continue;
    it(`${row.file}: has the values that upstream has`, async () => {
      const job = (await loadFrom(folder, row.file)).config?.scrapeJobs[0];
      const { metric_name_validation_scheme: validation, metric_name_escaping_scheme: escaping } =
        row.expect ?? {};
      expect(job?.metricNameValidationScheme).toBe(validation);
      expect(job?.metricNameEscapingScheme).toBe(escaping);
    });
  }

  it('external_labels.good.yml: variables are expanded as upstream does', async () => {
    const set = await loadFrom(folder, 'external_labels.good.yml', { TEST: 'TestValue' });
    const want = [
      'bar',
      'foo',
      'baz',
      'fooTestValuebar',
      'foo',
      'TestValue',
      'qux',
      'foo${TEST}',
      'xyz',
      'foo$bar',
    ];
    expect(set.config?.global.externalLabels).toEqual(want);
    const unset = await loadFrom(folder, 'external_labels.good.yml');
    expect(unset.config?.global.externalLabels).toContain('foobar');
    expect(unset.diagnostics.map(one => one.code)).toContain('config-environment');
  });

  it('conf.good.yml: what is shown of it has none of its secrets', async () => {
    const disk = diskFromFolder(folder);
    const load = () => loadConfig({ disk, env: {}, paths: { prometheus: '/conf.good.yml' }, registries });
    // The files that it names are not there: each is made to hold the secret, too.
    for (const { message } of (await load()).diagnostics) {
      const path = /^Cannot read "([^"]+)" for /.exec(message)?.[1];
      if (path === undefined) continue;
      const full = path.startsWith('/') ? path : `/${path}`;
      disk.putFolder(dirname(full));
      disk.putFile(full, 'mysecret');
    }
    const { shown } = await load();
    const count = (text: string, part: string): number => text.split(part).length - 1;
    const written = count(readFileSync(join(folder, 'conf.good.yml'), 'utf8'), 'mysecret');
    expect(written).toBeGreaterThan(10);
    // Upstream's fixture has this one nearly everywhere.
    expect(count(shown, 'mysecret')).toBe(0);
    expect(count(shown, '<secret>')).toBeGreaterThanOrEqual(written);
  });

  afterAll(() => tally.report());
});

function loadFrom(folder: string, file: string, env: Readonly<Record<string, string>> = {}) {
  return loadConfig({ disk: diskFromFolder(folder), env, paths: { prometheus: `/${file}` }, registries });
}

describeCorpus('alertmanager/config', folder => {
  const tally = new Tally('alertmanager/config');
  for (const row of readJsonLines<Expected>(join(folder, 'expected.jsonl'))) {
    it(`${row.file}: ${row.load}`, () => {
      const ours = checkText('alertmanager', readText(folder, row.file), { registries });
      check(row.load, ours);
      tally.count({ name: row.file, errors: row.errors ?? [] }, errorsOf(ours));
    });
  }
  afterAll(() => tally.report());
});

describeCorpus('alertmanager/tables', folder => {
  const tally = new Tally('alertmanager/tables/config-inline');
  interface Inline {
    readonly n: number;
    readonly test: string;
    readonly config: string;
    readonly load: 'ok' | 'fail';
    readonly error?: string;
    readonly mode?: string;
  }
  for (const row of readJsonLines<Inline>(join(folder, 'config-inline.jsonl'))) {
    it(`config-inline ${row.n} ${row.test}: ${row.load}`, () => {
      const classic = row.mode === 'classic';
      const ours = checkText(
        'alertmanager',
        { text: row.config, file: 'inline.yml' },
        classic ? { registries, matcherGrammar: 'classic', labelNames: 'legacy' } : { registries },
      );
      check(row.load, ours);
      tally.count({ name: row.test, errors: row.error === undefined ? [] : [row.error] }, errorsOf(ours));
    });
  }

  interface MatcherRow {
    readonly n: number;
    readonly parse?: 'list' | 'single';
    readonly input: string;
    readonly ok: boolean;
    readonly matchers?: readonly (readonly string[])[];
  }
  for (const grammar of ['classic', 'utf8'] as const) {
    const rows = readJsonLines<MatcherRow>(join(folder, `matchers-${grammar}.jsonl`));
    it(`matchers-${grammar}: ${rows.length} rows`, () => {
      for (const row of rows) {
        const parsed = parseMatchers(row.input, grammar);
        const fits = parsed.ok && (row.parse !== 'single' || parsed.value.length === 1);
        expect(fits, `${row.n}: ${row.input}`).toBe(row.ok);
        if (!parsed.ok || row.matchers === undefined) continue;
        expect(
          parsed.value.map(one => [one.name, one.op, one.value]),
          row.input,
        ).toEqual(row.matchers);
      }
      reportCases(`alertmanager/tables/matchers-${grammar}`, { files: 1, cases: rows.length });
    });
  }

  interface TimeRow {
    readonly n: number;
    readonly yaml: string;
    readonly kind: string;
    readonly ok: boolean;
  }
  const times = readJsonLines<TimeRow>(join(folder, 'time-intervals.jsonl')).filter(
    row => row.kind === 'list',
  );
  it(`time-intervals: ${times.length} rows are read or refused`, () => {
    for (const row of times) {
      const outcome = readDocument(parseDocument(row.yaml, 'interval.yml'), list(timeIntervalSpec));
      expect(outcome.value !== undefined, `${row.n}: ${row.yaml}`).toBe(row.ok);
    }
    reportCases('alertmanager/tables/time-intervals', { files: 1, cases: times.length });
  });

  afterAll(() => tally.report());
});

describeCorpus('alertmanager/amtool', folder => {
  it('conf.*.yml: those named bad are refused', () => {
    const files = readdirSync(folder).filter(name => /^conf\..*\.yml$/.test(name));
    for (const file of files) {
      check(
        file.includes('bad') ? 'fail' : 'ok',
        checkText('alertmanager', readText(folder, file), { registries }),
      );
    }
    reportCases('alertmanager/amtool', { files: files.length, cases: files.length });
  });

  it('http_config.*.yml: those named bad are refused', () => {
    const schema: Schema<unknown> = httpConfig;
    const files = readdirSync(join(folder, 'config')).filter(name => /^http_config\..*\.yml$/.test(name));
    for (const file of files) {
      const { text } = readText(join(folder, 'config'), file);
      check(
        file.includes('bad') ? 'fail' : 'ok',
        readDocument(parseDocument(text, file), schema).diagnostics,
      );
    }
    reportCases('alertmanager/amtool/config', { files: files.length, cases: files.length });
  });
});

describeCorpus('configs', folder => {
  const tally = new Tally('configs');
  for (const row of readJsonLines<Expected>(join(folder, 'expected.jsonl'))) {
    it(`${row.file}: ${row.load}`, () => {
      const source = readText(folder, row.file);
      const kind = dirname(row.file) === 'alertmanager' ? 'alertmanager' : 'prometheus';
      const ours = checkText(kind, source, { registries });
      check(row.load, ours);
      tally.count({ name: row.file, errors: row.errors ?? [] }, errorsOf(ours));
      // Every kind of discovery is known, and said to be waiting where it is not carried out.
      const kinds = new Set(
        [...source.text.matchAll(/^[\s-]*([a-z0-9]+_sd_configs):/gm)].map(match => match[1]),
      );
      for (const name of kinds) {
        if (discoveryKinds.some(kind => kind.key === name && kind.carriedOut)) continue;
        expect(ours.map(one => one.path).join('\n'), `${name} is not reported`).toContain(name);
      }
    });
  }
  afterAll(() => tally.report());
});

describeCorpus('prometheus/promtool', folder => {
  interface Row {
    readonly file: string;
    readonly kind: string;
    readonly exit: number;
    readonly options?: string;
    readonly error?: string;
  }
  // Certificates are looked for on disk. Lint, rule files that are missing (a warning here, as Prometheus itself starts
  // without them), and what relabelling makes of a target are judged elsewhere.
  const rows = readJsonLines<Row>(join(folder, 'expected.jsonl')).filter(row => row.kind === 'check-config');
  const judged = rows.filter(
    row =>
      (row.options === undefined || row.options === '--syntax-only') &&
      !/existing file|^instance \d+/.test(row.error ?? ''),
  );
  it(`check-config: ${judged.length} rows`, async () => {
    for (const row of judged) {
      if (row.error?.startsWith('error checking') === true) {
        const found = errorsOf((await loadFrom(folder, row.file)).diagnostics);
        expect(found.map(formatDiagnostic)).toContainEqual(expect.stringContaining('config-io: Cannot read'));
        continue;
      }
      check(
        row.exit === 0 ? 'ok' : 'fail',
        checkText('prometheus', readText(folder, row.file), { registries }),
      );
    }
    reportCases('prometheus/promtool check-config', { files: judged.length, cases: judged.length });
    console.log(
      `  ${rows.length - judged.length} rows left out: lint, rule files that must exist, targets after relabelling`,
    );
  });
});

describeCorpus('alertmanager/examples', folder => {
  it('all load', () => {
    const files = readdirSync(folder).filter(name => name.endsWith('.yml'));
    for (const file of files) check('ok', checkText('alertmanager', readText(folder, file), { registries }));
    reportCases('alertmanager/examples', { files: files.length, cases: files.length });
  });
});

for (const name of [
  'prometheus/config',
  'alertmanager/config',
  'configs/prometheus',
  'configs/alertmanager',
]) {
  describeCorpus(name, folder => {
    it('damaged copies never throw, and are judged in bounded time', () => {
      const random = seededRandom(FUZZ_SEED);
      const files = readdirSync(folder).filter(file => /\.ya?ml$/.test(file));
      for (const file of files) {
        const { text } = readText(folder, file);
        for (let i = 0; i < DAMAGES_PER_FILE; i++) {
          const damaged = damage(text, random);
          const started = performance.now();
          expect(
            () => checkText(detectKind(damaged), { text: damaged, file }),
            `${file}, seed ${FUZZ_SEED}`,
          ).not.toThrow();
          expect(performance.now() - started).toBeLessThan(TIME_LIMIT_MS);
        }
      }
      reportCases(`${name}, damaged`, { files: files.length, cases: files.length * DAMAGES_PER_FILE });
    });
  });
}

const FUZZ_SEED = 7;
const DAMAGES_PER_FILE = 5;
/** The largest takes some 50 ms; a machine under load may take a while. */
const TIME_LIMIT_MS = 5000;

/** A stretch removed, doubled, moved or overwritten, one to four times. */
function damage(text: string, random: Random): string {
  let damaged = text;
  const times = 1 + Math.floor(random.float() * 4);
  for (let i = 0; i < times; i++) {
    const at = Math.floor(random.float() * damaged.length);
    const end = at + Math.floor(random.float() * 40);
    const stretch = damaged.slice(at, end);
    const replaced = ['', stretch + stretch, `\n${stretch}`, '\t', ': ', '- ', '{', '*a ', '&a ', '"'];
    damaged =
      damaged.slice(0, at) + replaced[Math.floor(random.float() * replaced.length)] + damaged.slice(end);
  }
  return damaged;
}

function readText(folder: string, file: string): { readonly text: string; readonly file: string } {
  return { text: readFileSync(join(folder, file), 'utf8'), file };
}
