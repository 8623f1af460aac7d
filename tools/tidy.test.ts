// The tree is tidy, and each check really bites: a mutation of a clean tree is complained about.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CODES } from '../src/base/index.ts';
import { IMPORTS } from './import-table.ts';
import { formatComplaint, type Source, tidy } from './tidy.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function read(folder: string): Source[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder))
    .sort()
    .flatMap(name => {
      const path = `${folder}/${name}`;
      if (name === 'node_modules' || name === 'testdata') return [];
      if (statSync(join(root, path)).isDirectory()) return read(path);
      return /\.tsx?$/.test(name) ? [{ path, text: readFileSync(join(root, path), 'utf8') }] : [];
    });
}

const CLEAN: readonly Source[] = [
  { path: 'src/base/index.ts', text: "// Base.\nexport { one } from './one.ts';\n" },
  { path: 'src/base/one.ts', text: '// One.\nexport const one = 1;\n' },
  { path: 'src/rules/index.ts', text: "// Rules.\nexport { step } from './step.ts';\n" },
  {
    path: 'src/rules/step.ts',
    text: "// Step.\nimport { one } from '../base/index.ts';\nexport const step = (nowMs: number) => nowMs + one;\n",
  },
  { path: 'src/alerting/index.ts', text: '// Alerting.\nexport const alerting = 1;\n' },
  {
    path: 'src/cli/main.ts',
    text: "// Main.\nimport { step } from '../rules/index.ts';\nimport { alerting } from '../alerting/index.ts';\nprocess.exit(step(Date.now()) + alerting);\n",
  },
];

function mutated(path: string, change: (text: string) => string): string[] {
  return tidy(CLEAN.map(source => (source.path === path ? { path, text: change(source.text) } : source))).map(
    formatComplaint,
  );
}

const MUTATIONS: readonly (readonly [
  name: string,
  path: string,
  change: (text: string) => string,
  complaint: string,
])[] = [
  [
    'a stage imports a stage',
    'src/rules/step.ts',
    t => `${t}import '../alerting/index.ts';\n`,
    'import: rules/ may not import alerting',
  ],
  [
    'a low folder imports a high one',
    'src/base/one.ts',
    t => `${t}import '../rules/index.ts';\n`,
    'import: base/ may not import rules',
  ],
  [
    'past the index',
    'src/rules/step.ts',
    t => t.replace('base/index.ts', 'base/one.ts'),
    'import: Import base/ through its index.ts',
  ],
  [
    'a clock read in a stage',
    'src/rules/step.ts',
    t => `${t}export const t = () => Date.now();\n`,
    'banned: Do not use Date.now',
  ],
  [
    'a new Date() in a stage',
    'src/rules/step.ts',
    t => `${t}export const t = () => new Date();\n`,
    'banned: Do not use new Date()',
  ],
  [
    'a timer in a stage',
    'src/rules/step.ts',
    t => `${t}setTimeout(() => {}, 1);\n`,
    'banned: Do not use setTimeout',
  ],
  [
    'a timer handed on',
    'src/rules/step.ts',
    t => `${t}export const later = setTimeout;\n`,
    'banned: Do not use setTimeout',
  ],
  [
    'randomness in a stage',
    'src/rules/step.ts',
    t => `${t}export const r = () => Math.random();\n`,
    'banned: Do not use Math.random',
  ],
  [
    'the environment in a stage',
    'src/rules/step.ts',
    t => `${t}export const e = () => process.env;\n`,
    'banned: Do not use process',
  ],
  [
    'a file in a stage',
    'src/rules/step.ts',
    t => `${t}import 'node:fs';\n`,
    'import: "node:fs" belongs into os/',
  ],
  [
    'a Node module in a browser folder',
    'src/base/one.ts',
    t => `${t}import 'node:crypto';\n`,
    'runs in the browser',
  ],
  [
    'a library outside its owner',
    'src/rules/step.ts',
    t => `${t}import 'yaml';\n`,
    'import: "yaml" is imported by config only',
  ],
  ['an unknown library', 'src/rules/step.ts', t => `${t}import 'left-pad';\n`, 'is not in the import table'],
  [
    'mutable module state',
    'src/rules/step.ts',
    t => `${t}let count = 0;\nexport const c = () => ++count;\n`,
    'module-state',
  ],
  ['any', 'src/rules/step.ts', t => `${t}export const f = (x: any) => x;\n`, 'any: Use unknown'],
  ['a default export', 'src/rules/step.ts', t => `${t}export default 1;\n`, 'default-export'],
  ['export *', 'src/rules/index.ts', t => `${t}export * from './step.ts';\n`, 'export-all'],
  ['no module comment', 'src/rules/step.ts', t => t.replace('// Step.\n', ''), 'module-comment'],
  ['a class hierarchy', 'src/rules/step.ts', t => `${t}class A {}\nexport class B extends A {}\n`, 'extends'],
  ['a leftover mark', 'src/rules/step.ts', t => `${t}// ${'FIX'}ME later\n`, 'leftover'],
  [
    'a dead file',
    'src/rules/index.ts',
    () => '// Rules.\nexport const step = (n: number) => n;\n',
    'src/rules/step.ts:1: dead-file',
  ],
  ['a cycle', 'src/base/one.ts', t => `${t}import './index.ts';\n`, 'cycle'],
];

describe('the tidy checks', () => {
  it('find nothing in a clean tree', () => {
    expect(tidy(CLEAN).map(formatComplaint)).toEqual([]);
  });

  it.each(MUTATIONS)('bite on %s', (_, path, change, complaint) => {
    expect(mutated(path, change).join('\n')).toContain(complaint);
  });
});

describe('this project', () => {
  it('is tidy', () => {
    const complaints = tidy([...read('src'), ...read('ui')]);
    expect(complaints.map(formatComplaint)).toEqual([]);
  });

  it('documents each error code, and only those, on the reference page', () => {
    const page = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8');
    const documented = [...page.matchAll(/^\| `([a-z0-9-]+)` \| (.+) \|$/gm)].map(match => [
      match[1],
      match[2],
    ]);
    expect(documented).toEqual(Object.entries(CODES).sort(([a], [b]) => (a < b ? -1 : 1)));
  });

  it('has an ARCHITECTURE.md of at most 200 lines whose paths exist and whose import table is the enforced one', () => {
    const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    expect(page.split('\n').length).toBeLessThanOrEqual(200);
    const paths = [
      ...page.matchAll(/`((?:src|ui|test|tools|bench|docs|deploy|examples|bin)\/[\w./-]*)`/g),
    ].map(match => match[1] ?? '');
    expect(paths.filter(path => !existsSync(join(root, path)))).toEqual([]);
    expect(paths.length).toBeGreaterThan(20);
    const rows = [...page.matchAll(/^\| `([\w/]+)` \| ([^|]*) \|$/gm)].map(match => [
      match[1],
      (match[2] ?? '').trim(),
    ]);
    const wanted = Object.entries(IMPORTS).map(([folder, allowed]) => [
      folder,
      allowed.length === 0 ? 'nothing' : allowed.includes('*') ? 'everything' : allowed.join(', '),
    ]);
    expect(rows).toEqual(wanted);
  });
});
