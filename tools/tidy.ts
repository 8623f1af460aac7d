// The checks behind the tidy test: pure functions from a tree of sources to a list of complaints.

import { parseSync } from 'oxc-parser';
import {
  BANNED,
  BANNED_FREE,
  BROWSER_FOLDERS,
  IMPORTS,
  LIBRARIES,
  NODE_MODULE_EXCEPTIONS,
  PURE_NODE_MODULES,
  UI_IMPORTS,
} from './import-table.ts';

/** A source file: path from the project's root with "/" ("src/rules/step.ts"), and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

export interface Complaint {
  readonly path: string;
  readonly line: number;
  readonly check: string;
  readonly message: string;
}

interface Import {
  readonly specifier: string;
  readonly line: number;
}

interface Parsed {
  readonly source: Source;
  readonly imports: readonly Import[];
  readonly complaints: readonly Complaint[];
}

/** Everything wrong with the tree, in the order of the files. */
export function tidy(sources: readonly Source[]): readonly Complaint[] {
  const parsed = sources.map(parse);
  return [
    ...parsed.flatMap(file => file.complaints),
    ...parsed.flatMap(checkImports),
    ...cycles(parsed),
    ...deadFiles(parsed),
  ];
}

export function formatComplaint(complaint: Complaint): string {
  return `${complaint.path}:${complaint.line}: ${complaint.check}: ${complaint.message}`;
}

// --- one file --------------------------------------------------------------------------------------

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

function parse(source: Source): Parsed {
  const { path, text } = source;
  const result = parseSync(path, text);
  const complaints: Complaint[] = [];
  const lines = lineStarts(text);
  const complain = (offset: number, check: string, message: string): void => {
    complaints.push({ path, line: lineOf(lines, offset), check, message });
  };
  for (const error of result.errors) complain(error.labels[0]?.start ?? 0, 'parse', error.message);

  const product = isProduct(path);
  if (product && !/^(#!.*\n)?\s*(\/\/|\/\*)/.test(text))
    complain(0, 'module-comment', 'Begin with a comment that says what the file is');
  for (const match of text.matchAll(/\b(FIXME|TODO|XXX|HACK)\b/g)) {
    complain(match.index, 'leftover', `"${match[1]}" is left over: do it, or file it`);
  }

  const imports: Import[] = [];
  const banned = product && path.startsWith('src/') && !within(path, BANNED_FREE);
  walk(result.program as unknown as Node, (node, parent) => {
    const specifier = importedFrom(node);
    if (specifier !== undefined) imports.push({ specifier, line: lineOf(lines, node.start) });
    if (node.type === 'ExportDefaultDeclaration' && product && !path.endsWith('.config.ts')) {
      complain(node.start, 'default-export', 'Export by name');
    }
    if (node.type === 'ExportAllDeclaration' && product) complain(node.start, 'export-all', 'List the names');
    if (node.type === 'TSAnyKeyword' && product) complain(node.start, 'any', 'Use unknown and narrow it');
    if (node.type === 'ClassDeclaration' && product) checkExtends(node, complain);
    if (banned) checkBanned(node, parent, complain);
    if (product && path.startsWith('src/')) checkModuleState(node, parent, complain);
  });
  return { source, imports, complaints };
}

type Complain = (offset: number, check: string, message: string) => void;

function importedFrom(node: Node): string | undefined {
  if (
    node.type === 'ImportDeclaration' ||
    node.type === 'ExportNamedDeclaration' ||
    node.type === 'ExportAllDeclaration' ||
    node.type === 'ImportExpression'
  ) {
    const source = node['source'] as Node | null;
    if (source?.type === 'Literal') return String(source['value']);
  }
  return undefined;
}

function checkExtends(node: Node, complain: Complain): void {
  const base = node['superClass'] as Node | null;
  if (base !== null && base !== undefined && base['name'] !== 'Error') {
    complain(node.start, 'extends', 'Only Error is extended; pass functions or data instead');
  }
}

function checkBanned(node: Node, parent: Node | undefined, complain: Complain): void {
  const name = bannedName(node, parent);
  const rule = BANNED.find(entry => entry.name === name);
  if (rule !== undefined) complain(node.start, 'banned', `Do not use ${rule.name}: use ${rule.instead}`);
}

function bannedName(node: Node, parent: Node | undefined): string | undefined {
  if (node.type === 'MemberExpression' && !node['computed']) {
    const object = node['object'] as Node;
    const property = node['property'] as Node;
    if (object.type === 'Identifier') return `${String(object['name'])}.${String(property['name'])}`;
  }
  if (node.type === 'NewExpression') {
    const callee = node['callee'] as Node;
    if (callee['name'] === 'Date' && (node['arguments'] as unknown[]).length === 0) return 'new Date()';
  }
  if (node.type !== 'Identifier' || parent === undefined) return undefined;
  const name = String(node['name']);
  const called = parent.type === 'CallExpression' && parent['callee'] === node;
  const read = parent.type === 'MemberExpression' && parent['object'] === node;
  const asValue = name.startsWith('set') && isValueUse(node, parent);
  return called || read || asValue ? name : undefined;
}

/** A timer function handed on as a value is as bad as a call of it. */
function isValueUse(node: Node, parent: Node): boolean {
  if (parent.type === 'CallExpression') return (parent['arguments'] as unknown[]).includes(node);
  return parent.type === 'VariableDeclarator' && parent['init'] === node;
}

/** `let` and `var` at the top of a module would be shared by two systems in one process. */
function checkModuleState(node: Node, parent: Node | undefined, complain: Complain): void {
  if (node.type !== 'VariableDeclaration' || node['kind'] === 'const' || node['declare'] === true) return;
  if (parent?.type === 'Program' || parent?.type === 'ExportNamedDeclaration') {
    complain(node.start, 'module-state', 'Keep no mutable state in a module: two systems run in one process');
  }
}

// --- imports ---------------------------------------------------------------------------------------

function checkImports(file: Parsed): readonly Complaint[] {
  const { path } = file.source;
  if (!isProduct(path)) return [];
  const complaints: Complaint[] = [];
  for (const { specifier, line } of file.imports) {
    const message = path.startsWith('ui/') ? uiImport(path, specifier) : srcImport(path, specifier);
    if (message !== undefined) complaints.push({ path, line, check: 'import', message });
  }
  return complaints;
}

function srcImport(path: string, specifier: string): string | undefined {
  const here = path.slice('src/'.length);
  const from = folderOf(here);
  if (from === undefined) return `${path} lies in no folder of the import table`;
  if (specifier.startsWith('.')) {
    const target = resolveRelative(path, specifier);
    if (!target.startsWith('src/')) return `Do not import "${specifier}": it lies outside src/`;
    const to = folderOf(target.slice('src/'.length));
    if (to === from) return undefined;
    const allowed = IMPORTS[from] ?? [];
    if (to === undefined || !(allowed.includes('*') || allowed.includes(to))) {
      return `${from}/ may not import ${to ?? target}: allowed are ${allowed.join(', ') || 'none'}`;
    }
    if (target !== `src/${to}/index.ts`) return `Import ${to}/ through its index.ts, not "${specifier}"`;
    return undefined;
  }
  if (specifier.startsWith('node:')) return nodeImport(here, from, specifier);
  const library = specifier.startsWith('@')
    ? specifier.split('/').slice(0, 2).join('/')
    : (specifier.split('/')[0] ?? '');
  const owners = LIBRARIES[library];
  if (owners === undefined) return `The library "${library}" is not in the import table`;
  return within(path, owners) ? undefined : `"${library}" is imported by ${owners.join(', ')} only`;
}

function nodeImport(here: string, from: string, specifier: string): string | undefined {
  if (from === 'os' || here === 'cli/main.ts') return undefined;
  if (NODE_MODULE_EXCEPTIONS.some(entry => `src/${here}` === entry.file && entry.module === specifier))
    return undefined;
  if (BROWSER_FOLDERS.includes(from)) return `${from}/ runs in the browser: it may not import "${specifier}"`;
  return PURE_NODE_MODULES.includes(specifier)
    ? undefined
    : `"${specifier}" belongs into os/: take a port instead`;
}

function uiImport(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const target = resolveRelative(path, specifier);
  if (target.startsWith('ui/')) return undefined;
  const inside = target.slice('src/'.length);
  const fine = UI_IMPORTS.some(entry => inside === entry || inside === `${entry}/index.ts`);
  return fine ? undefined : `ui/ may import only ${UI_IMPORTS.join(', ')} of src/, not "${specifier}"`;
}

// --- the whole tree --------------------------------------------------------------------------------

function cycles(files: readonly Parsed[]): readonly Complaint[] {
  const graph = graphOf(files.filter(file => isProduct(file.source.path)));
  const complaints: Complaint[] = [];
  const done = new Set<string>();
  const stack: string[] = [];
  const visit = (path: string): void => {
    if (done.has(path)) return;
    const at = stack.indexOf(path);
    if (at >= 0) {
      const loop = [...stack.slice(at), path].join(' → ');
      complaints.push({ path, line: 1, check: 'cycle', message: loop });
      return;
    }
    stack.push(path);
    for (const next of graph.get(path) ?? []) visit(next);
    stack.pop();
    done.add(path);
  };
  for (const path of graph.keys()) visit(path);
  return complaints;
}

/** Files of src/ that neither the command nor a worker's entry reaches: only their own tests would miss them. */
function deadFiles(files: readonly Parsed[]): readonly Complaint[] {
  const product = files.filter(file => file.source.path.startsWith('src/') && isProduct(file.source.path));
  const graph = graphOf(product);
  const roots = product
    .map(file => file.source.path)
    .filter(path => path === 'src/cli/main.ts' || isEntry(path, product));
  if (roots.length === 0) return [];
  const reached = new Set<string>();
  const queue = [...roots];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    queue.push(...(graph.get(path) ?? []));
  }
  return product
    .map(file => file.source.path)
    .filter(path => !reached.has(path) && path !== 'src/api/contract.ts')
    .map(path => ({ path, line: 1, check: 'dead-file', message: 'Nothing that runs imports this file' }));
}

/** A worker's or helper's entry is named by a `new URL('./x.js', import.meta.url)` beside it. */
function isEntry(path: string, files: readonly Parsed[]): boolean {
  const name = path.split('/').at(-1)?.replace(/\.ts$/, '') ?? '';
  return files.some(
    file =>
      file.source.path !== path &&
      new RegExp(`['"\`]\\.{1,2}/[\\w/.-]*\\b${name}\\.(js|ts)['"\`]`).test(file.source.text) &&
      file.source.text.includes('import.meta.url'),
  );
}

function graphOf(files: readonly Parsed[]): ReadonlyMap<string, readonly string[]> {
  return new Map(
    files.map(file => [
      file.source.path,
      file.imports
        .filter(i => i.specifier.startsWith('.'))
        .map(i => resolveRelative(file.source.path, i.specifier)),
    ]),
  );
}

// --- helpers ---------------------------------------------------------------------------------------

function isProduct(path: string): boolean {
  return /^(src|ui)\//.test(path) && !/\.test\.tsx?$/.test(path) && !path.includes('/testdata/');
}

/** The folder of the import table that a path below src/ lies in: the longest that fits. */
function folderOf(path: string): string | undefined {
  let best: string | undefined;
  for (const folder of Object.keys(IMPORTS)) {
    if (path.startsWith(`${folder}/`) && folder.length > (best?.length ?? 0)) best = folder;
  }
  return best;
}

function within(path: string, places: readonly string[]): boolean {
  const inside = path.replace(/^src\//, '');
  return places.some(place => inside === place || inside.startsWith(`${place}/`));
}

function resolveRelative(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function walk(node: Node, visit: (node: Node, parent: Node | undefined) => void, parent?: Node): void {
  visit(node, parent);
  for (const [key, value] of Object.entries(node)) {
    if (key === 'parent') continue;
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) walk(item, visit, node);
    } else if (isNode(value)) walk(value, visit, node);
  }
}

function isNode(value: unknown): value is Node {
  return (
    typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
  );
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let i = 0; i < text.length; i++) if (text[i] === '\n') starts.push(i + 1);
  return starts;
}

function lineOf(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}
