// Debian's amtool beside ours: check-config on every fixture, and where alerts go by every tree that both understand.

import { execFile, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { buildRoute, matchRoutes, type Route } from '../../src/alerting/index.ts';
import { REGISTRIES } from '../../src/app/index.ts';
import { type CheckOptions, checkText, readRoute } from '../../src/config/index.ts';
import { formatDiagnostic, type Labels, labelPairs, labelsFrom } from '../../src/model/index.ts';
import { type Folder, temporaryFolder } from '../e2e/support.ts';
import { corporaRoot, readJsonLines } from '../support/corpora.ts';
import { seededRandom } from '../support/random.ts';
import { configOf, RECEIVER_TEXTS } from './receiver-texts.ts';

const BINARY = 'amtool';
const isPresent = spawnSync(BINARY, ['--version'], { stdio: 'ignore' }).status === 0;
/** In CI it must be there. */
const isSkipped = !isPresent && process.env['CI'] !== 'true';
/** One process a question; others share the machine. */
const TEST_MS_MAX = 300_000;
const AT_ONCE = 4;

const run = promisify(execFile);

/** 0.25 knows the classic notation alone. */
const OPTIONS: CheckOptions = { registries: REGISTRIES, matcherGrammar: 'classic', labelNames: 'legacy' };

interface Config {
  readonly name: string;
  readonly text: string;
}

function fixtures(): readonly Config[] {
  const root = join(corporaRoot(), 'alertmanager');
  const files = ['config', 'amtool', 'examples'].flatMap(folder =>
    readdirSync(join(root, folder))
      .filter(name => name.endsWith('.yml'))
      .map(name => ({ name: `${folder}/${name}`, text: readFileSync(join(root, folder, name), 'utf8') })),
  );
  interface Inline {
    readonly n: number;
    readonly test: string;
    readonly config: string;
    readonly mode?: string;
  }
  const inline = readJsonLines<Inline>(join(root, 'tables', 'config-inline.jsonl')).map(row => ({
    name: `config-inline ${row.n} ${row.test}`,
    text: row.config,
  }));
  const own = RECEIVER_TEXTS.map(entry => ({
    name: `${entry.kind} ${entry.settings}`,
    text: configOf(entry),
  }));
  return [...files, ...inline, ...own];
}

/** Trees of upstream's own table, as whole configurations. */
function tables(): readonly (Config & { readonly labels: Labels })[] {
  const folder = join(corporaRoot(), 'alertmanager', 'tables');
  interface Row {
    readonly n: number;
    readonly test: string;
    readonly route?: string;
    readonly config_file?: string;
    readonly labels: Readonly<Record<string, string>>;
  }
  return readJsonLines<Row>(join(folder, 'routing.jsonl')).map(row => ({
    name: `routing ${row.n} ${row.test}`,
    labels: labelsFrom(row.labels),
    text:
      row.config_file === undefined
        ? wholeOf(row.route ?? '')
        : readFileSync(join(folder, row.config_file), 'utf8'),
  }));
}

function wholeOf(route: string): string {
  const names = [...route.matchAll(/receiver: *['"]?([\w-]+)/g)].map(([, name]) => ({ name }));
  const unique = [...new Map(names.map(one => [one.name, one])).values()];
  return stringify({ route: parse(route) as unknown, receivers: unique });
}

interface Verdict {
  readonly ok: boolean;
  readonly message: string;
}

async function amtool(args: readonly string[]): Promise<Verdict> {
  try {
    const { stdout } = await run(BINARY, [...args]);
    return { ok: true, message: stdout };
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    return { ok: false, message: stdout + stderr };
  }
}

async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE)
    results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(work))));
  return results;
}

/** The version has no such key: nothing was judged beyond it. */
function isUnknownToIt(message: string): boolean {
  return /field \w+ not found in type/.test(message);
}

function treeOf({ name, text }: Config): Route | undefined {
  const { route } = readRoute('alertmanager', { text, file: name }, OPTIONS);
  const built = route === undefined ? undefined : buildRoute(route);
  return built?.ok === true ? built.value : undefined;
}

/** Alerts that may go different ways: what the matchers of the tree name, in all and in part. */
function alertsOf(root: Route): readonly Labels[] {
  const random = seededRandom(25);
  const pool: (readonly [string, string])[] = [['other', 'label']];
  const walk = (route: Route): void => {
    for (const { name, op, value } of route.matchers)
      for (const one of op === '=' || op === '!=' ? [value] : value.replace(/[\^$?:()]/g, '').split('|'))
        pool.push([name, one], [name, `${one}x`]);
    route.routes.forEach(walk);
  };
  walk(root);
  const part = (): Labels => labelsFrom(Object.fromEntries(pool.filter(() => random.uint32() % 2 === 0)));
  return [labelsFrom({}), ...Array.from({ length: 12 }, part)];
}

const hasCorpora = (() => {
  try {
    return fixtures().length > 0;
  } catch {
    return false;
  }
})();
const isHere = hasCorpora || process.env['CI'] === 'true';

describe.skipIf(isSkipped || !isHere)(`beside ${BINARY}${isPresent ? '' : ' (not installed)'}`, () => {
  let folder: Folder;
  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => folder.remove());

  it('check-config gives the same verdicts', { timeout: TEST_MS_MAX }, async () => {
    const counts = { agree: 0, unknown: 0 };
    const disagreements: string[] = [];
    const all = fixtures();
    const files = all.map(({ text }, i) => folder.write(`check-${i}.yml`, text));
    const verdicts = await inTurns(files, file => amtool(['check-config', file]));
    for (const [i, config] of all.entries()) {
      const theirs = verdicts[i] ?? { ok: false, message: '' };
      const errors = checkText('alertmanager', { text: config.text, file: config.name }, OPTIONS).filter(
        one => one.severity === 'error',
      );
      if (theirs.ok === (errors.length === 0)) counts.agree++;
      else if (isUnknownToIt(theirs.message)) counts.unknown++;
      else {
        const ours = errors.map(formatDiagnostic).join('; ') || 'fine';
        disagreements.push(
          `${config.name}: theirs ${theirs.ok ? 'fine' : theirs.message.trim()}; ours ${ours}`,
        );
      }
    }
    console.log(
      `amtool check-config: ${all.length} texts, ${counts.agree} verdicts agree, ` +
        `${counts.unknown} hold keys that it does not know`,
    );
    expect(disagreements).toEqual([]);
    expect(counts.agree).toBeGreaterThan(30);
    expect(verdicts.some(one => one.ok)).toBe(true);
  });

  it('config routes test finds the same receivers', { timeout: TEST_MS_MAX }, async () => {
    const questions: {
      readonly file: string;
      readonly name: string;
      readonly root: Route;
      readonly labels: Labels;
    }[] = [];
    const configs: readonly (Config & { readonly labels?: Labels })[] = [...fixtures(), ...tables()];
    for (const [i, config] of configs.entries()) {
      const root = treeOf(config);
      if (root === undefined) continue;
      const file = folder.write(`routes-${i}.yml`, config.text);
      const own = config.labels === undefined ? [] : [config.labels];
      for (const labels of [...own, ...alertsOf(root)])
        questions.push({ file, name: config.name, root, labels });
    }
    const answers = await inTurns(questions, ({ file, labels }) => {
      const words = [...labelPairs(labels)].map(([name, value]) => `${name}=${JSON.stringify(value)}`);
      return amtool(['config', 'routes', 'test', `--config.file=${file}`, ...words]);
    });
    let agree = 0;
    let unknown = 0;
    const disagreements: string[] = [];
    for (const [i, { name, root, labels }] of questions.entries()) {
      const theirs = answers[i] ?? { ok: false, message: '' };
      const ours = matchRoutes(root, labels)
        .map(route => route.receiver)
        .join(',');
      if (!theirs.ok && isUnknownToIt(theirs.message)) unknown++;
      else if (theirs.ok && theirs.message.trim() === ours) agree++;
      else
        disagreements.push(
          `${name} ${JSON.stringify(labels)}: theirs ${theirs.message.trim()}; ours ${ours}`,
        );
    }
    console.log(
      `amtool config routes test: ${questions.length} alerts, ${agree} go the same way, ${unknown} by trees that it cannot read`,
    );
    expect(disagreements).toEqual([]);
    expect(agree).toBeGreaterThan(100);
  });
});
