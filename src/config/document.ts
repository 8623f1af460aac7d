// YAML text -> a document whose every node knows its place. Reading never throws: what is wrong with the text
// becomes diagnostics, and deep nesting and alias bombs run into named limits.

import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  Pair,
  parseDocument as parseYaml,
  Scalar,
  type ScalarTag,
  YAMLMap,
} from 'yaml';
import type { Code } from '../base/index.ts';
import type { Diagnostic } from '../model/index.ts';
import { resolveFrom } from './glob.ts';
import { type FileContents, INVALID, keyText, type ReadContext, type Schema } from './schema.ts';

/** A configuration of a thousand jobs is below 1 MB; the reader needs some 100 bytes of memory for each byte of text. */
const TEXT_CHARS_MAX = 16 * 1024 * 1024;
/** Real files nest some 12 deep; each level costs a few stack frames while it is read. */
const DEPTH_MAX = 100;
/**
 * Nodes visited while reading one document, aliases followed. A node written out takes at least two characters and is
 * visited a few times, so no honest text comes near; "billion laughs" ends after some 0.5 s.
 */
const VISITS_BASE = 500_000;
const VISITS_PER_CHAR = 4;
/** More problems than anyone reads; a bomb in the wrong place would otherwise report each of its copies. */
const PROBLEMS_MAX = 500;

export interface YamlDocument {
  readonly file: string;
  readonly text: string;
  /** Undefined when the text could not be read at all, or holds nothing. */
  readonly root: Node | undefined;
  /** Syntax errors, duplicate keys and limits reached. */
  readonly diagnostics: readonly Diagnostic[];
  /** Line and column, both from 1, of an offset. */
  place(offset: number): { readonly line: number; readonly column: number };
}

export interface ReadOptions {
  /** See ReadContext.env. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly expandSecrets?: boolean;
  readonly allowsUnknownKeys?: boolean;
  readonly files?: FileContents | undefined;
}

export interface ReadOutcome<T> {
  /** Undefined when something is wrong: the diagnostics say what. */
  readonly value: T | undefined;
  /** Of the text and of the schema, in the order of the text. */
  readonly diagnostics: readonly Diagnostic[];
  /** Nodes that hold a secret. */
  readonly hidden: ReadonlySet<Node>;
  /** Settings that are templates. */
  readonly templateTexts: readonly PlacedText[];
}

/** The value of a setting, and where it stands. */
export interface PlacedText {
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** "receivers[0].slack_configs[0].title" */
  readonly path: string;
}

export function parseDocument(text: string, file: string): YamlDocument {
  const lines = new LineCounter();
  const diagnostics: Diagnostic[] = [];
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const add = (
    code: Code,
    offset: number,
    rest: { message: string; remedy?: string; warning?: boolean },
  ): void => {
    const { message, remedy, warning } = rest;
    diagnostics.push({
      code,
      severity: warning === true ? 'warning' : 'error',
      message,
      file,
      ...place(offset),
      path: '',
      ...(remedy === undefined ? {} : { remedy }),
    });
  };
  const give = (root: Node | undefined): YamlDocument => ({ file, text, root, diagnostics, place });

  if (text.length > TEXT_CHARS_MAX) {
    add('config-yaml', 0, {
      message: `Cannot read the file: it is longer than ${TEXT_CHARS_MAX} characters`,
      remedy: 'split it by rule_files or scrape_config_files',
    });
    return give(undefined);
  }
  const parsed = parseGuarded(text, lines);
  if (parsed === undefined) {
    add('config-yaml', 0, { message: 'Cannot read the file: collections are nested too deep' });
    return give(undefined);
  }
  // One slip gives several errors at the same place: the first one tells it best.
  const placesTold = new Set<number>();
  for (const problem of parsed.errors.slice(0, PROBLEMS_MAX)) {
    if (placesTold.has(problem.pos[0])) continue;
    placesTold.add(problem.pos[0]);
    if (problem.code === 'MULTIPLE_DOCS') {
      add('config-yaml', problem.pos[0], {
        warning: true,
        message: 'Cannot use more than the first document: what follows "---" is ignored',
        remedy: 'put each document in a file of its own',
      });
      continue;
    }
    const { code, message, remedy } = explainSyntax(problem.code, problem.message);
    add(code, problem.pos[0], { message, ...(remedy === undefined ? {} : { remedy }) });
  }
  const root = parsed.contents ?? undefined;
  if (root === undefined || diagnostics.some(one => one.severity === 'error')) return give(undefined);
  const tooDeep = checkNodes(root, (node, key, first) => {
    const at = place(first.range?.[0] ?? 0);
    add('config-duplicate-key', node.range?.[0] ?? 0, {
      message: `Cannot use "${key}" twice: it stands at line ${at.line} already`,
      remedy: 'remove one of the two',
    });
  });
  if (tooDeep !== undefined) {
    add('config-yaml', tooDeep.range?.[0] ?? 0, {
      message: `Cannot read the file: collections are nested more than ${DEPTH_MAX} deep`,
    });
    return give(undefined);
  }
  return give(root);
}

/** Reads the whole document with a schema. An empty document is read as an empty mapping. */
export function readDocument<T>(
  document: YamlDocument,
  schema: Schema<T>,
  options: ReadOptions = {},
): ReadOutcome<T> {
  if (document.diagnostics.some(one => one.severity === 'error')) {
    return { value: undefined, diagnostics: document.diagnostics, hidden: new Set(), templateTexts: [] };
  }
  const reader = new Reader(document, options);
  const root = document.root === undefined || isNothing(document.root) ? emptyMap() : document.root;
  const value = schema.read(root, reader.context('', root));
  const diagnostics = [...document.diagnostics, ...reader.problems].sort(byPlace);
  const failed = value === INVALID || diagnostics.some(one => one.severity === 'error');
  const { hidden, templateTexts } = reader;
  return { value: failed ? undefined : value, diagnostics, hidden, templateTexts };
}

/** Follows aliases and spreads merge keys of a document, for whoever walks through it beside a schema. */
export function resolverOf(document: YamlDocument): (node: Node) => Node {
  return new Reader(document, {}).context('', document.root).resolve;
}

/** Owns what one reading counts: visits, problems, merged mappings. */
class Reader {
  readonly problems: Diagnostic[] = [];
  readonly hidden = new Set<Node>();
  readonly templateTexts: PlacedText[] = [];
  private readonly seen = new Set<string>();
  private readonly merged = new WeakMap<Node, YAMLMap>();
  /** Aliases that lead nowhere, and what stands in their place. */
  private readonly lost = new WeakSet<Node>();
  private readonly document: YamlDocument;
  private readonly options: ReadOptions;
  private readonly visitsMax: number;
  private visits = 0;
  private anchors: Map<string, Node> | undefined;

  constructor(document: YamlDocument, options: ReadOptions) {
    this.document = document;
    this.options = options;
    this.visitsMax = VISITS_BASE + VISITS_PER_CHAR * document.text.length;
  }

  context(path: string, node: Node | undefined): ReadContext {
    const reader = this;
    return {
      path,
      env: this.options.env,
      expandSecrets: this.options.expandSecrets ?? false,
      files: this.options.files,
      allowsUnknownKeys: this.options.allowsUnknownKeys ?? false,
      resolvePath: path => resolveFrom(this.document.file, path),
      hide: target => void reader.hidden.add(target),
      noteTemplate: text => {
        const place = this.document.place(node?.range?.[0] ?? 0);
        reader.templateTexts.push({ text, file: this.document.file, ...place, path });
      },
      problems: () => reader.problems,
      report(problem) {
        reader.report(path, problem.at ?? node, problem);
      },
      child: (key, child) => reader.context(childPath(path, key), child ?? node),
      resolve: target => reader.resolve(target, path),
    };
  }

  private report(path: string, at: Node | undefined, problem: Parameters<ReadContext['report']>[0]): void {
    // What could not be followed was told already; that null is no list is no news.
    if (at !== undefined && this.lost.has(at)) return;
    if (this.problems.length >= PROBLEMS_MAX) return;
    const { line, column } = this.document.place(at?.range?.[0] ?? 0);
    const diagnostic: Diagnostic = {
      code: problem.code,
      severity: problem.severity ?? 'error',
      message: problem.message,
      file: this.document.file,
      line,
      column,
      path,
      ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }),
    };
    // A part that is read twice (an alias, a setting inherited from `global`) has its problem once.
    const same = diagnostic.severity === 'warning' ? '' : diagnostic.message;
    const key = `${line}:${column}:${diagnostic.code}:${same}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    this.problems.push(diagnostic);
  }

  private resolve(node: Node, path: string): Node {
    this.visits += 1;
    if (this.visits > this.visitsMax) {
      if (this.visits === this.visitsMax + 1) {
        this.report(path, node, {
          code: 'config-yaml',
          message: `Cannot read the file: its aliases expand to more than ${this.visitsMax} values`,
          remedy: 'write the repeated parts out, or use fewer aliases',
        });
      }
      return this.lose(node);
    }
    const found = isAlias(node) ? this.anchor(node.source, node, path) : node;
    return isMap(found) ? this.spread(found, path) : found;
  }

  private anchor(name: string, alias: Node, path: string): Node {
    this.anchors ??= collectAnchors(this.document.root);
    const found = this.anchors.get(name);
    // Self reference: the alias lies inside its own anchor and would be read for ever.
    const inside =
      found?.range !== undefined &&
      found.range !== null &&
      (alias.range?.[0] ?? 0) >= found.range[0] &&
      (alias.range?.[0] ?? 0) < found.range[1];
    if (found !== undefined && !inside) return found;
    this.report(path, alias, {
      code: 'config-yaml',
      message: `Cannot follow the alias "*${name}": ${inside ? 'it stands inside its own anchor' : 'there is no such anchor'}`,
    });
    return this.lose(alias);
  }

  private lose(node: Node): Node {
    const place = nullNode(node);
    this.lost.add(node).add(place);
    return place;
  }

  /** `<<: *base` puts base's keys in, the mapping's own keys before them. */
  private spread(map: YAMLMap, path: string): YAMLMap {
    if (!map.items.some(isMergePair)) return map;
    const known = this.merged.get(map);
    if (known !== undefined) return known;
    const result = new YAMLMap();
    result.range = map.range ?? null;
    // Entered before it is filled: a mapping that merges itself ends here.
    this.merged.set(map, result);
    const taken = new Set<string>();
    const take = (pair: Pair<unknown, unknown>): void => {
      const key = keyText(pair.key);
      if (taken.has(key)) return;
      taken.add(key);
      result.items.push(pair);
    };
    for (const pair of map.items) if (!isMergePair(pair)) take(pair);
    for (const pair of map.items.filter(isMergePair)) {
      const source = this.resolve((pair.value ?? nullNode()) as Node, path);
      const bases = isSeq(source) ? source.items.map(one => this.resolve(one as Node, path)) : [source];
      for (const base of bases) {
        if (isMap(base)) base.items.slice().forEach(take);
        else {
          this.report(path, pair.key as Node, {
            code: 'config-wrong-type',
            message: 'Cannot merge with "<<": a mapping, or a list of mappings, expected',
          });
        }
      }
    }
    return result;
  }
}

/** A mapping with entries of another added behind its own keys, as if they were written there. */
export function withInherited(
  map: Node,
  entries: readonly { readonly key: string; readonly from: Pair<unknown, unknown> }[],
): Node {
  if (!isMap(map)) return map;
  const result = new YAMLMap();
  result.range = map.range ?? null;
  result.items.push(...map.items);
  for (const { key, from } of entries) {
    const name = new Scalar(key);
    name.range = (from.key as Node).range ?? null;
    result.items.push(new Pair<unknown, unknown>(name, from.value));
  }
  return result;
}

/** The pairs of a mapping by key; empty for anything else. */
export function pairsOf(node: Node | undefined): ReadonlyMap<string, Pair<unknown, unknown>> {
  return new Map(isMap(node) ? node.items.map(pair => [keyText(pair.key), pair] as const) : []);
}

/** The keys at the top of a document. */
export function topLevelKeys(document: YamlDocument): readonly string[] {
  return [...pairsOf(document.root).keys()];
}

// --- helpers --------------------------------------------------------------------------------------

function parseGuarded(text: string, lines: LineCounter): Document.Parsed | undefined {
  try {
    return parseYaml(text, {
      lineCounter: lines,
      prettyErrors: false,
      // Duplicates are found by checkNodes, which says where the first one stands.
      uniqueKeys: false,
      merge: true,
      keepSourceTokens: false,
      customTags: tags => [...tags, BINARY],
    });
  } catch (error) {
    // The composer is recursive: some ten thousand levels overflow the stack, before any depth can be counted.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** `!!binary` as Go's reader has it: a text of the decoded bytes. Bytes that are no UTF-8 become lone surrogates. */
const BINARY: ScalarTag = {
  tag: 'tag:yaml.org,2002:binary',
  resolve(source, onError) {
    const base64 = source.replace(/\s/g, '');
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)) {
      onError('the value of !!binary is not valid base64 data');
      return source;
    }
    const bytes = Buffer.from(base64, 'base64');
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      return [...bytes].map(byte => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)).join('');
    }
  },
};

function explainSyntax(code: string, message: string): { code: Code; message: string; remedy?: string } {
  const short = message.split('\n')[0]?.replace(/\.?$/, '') ?? message;
  const cause = short.charAt(0).toLowerCase() + short.slice(1);
  const remedy = SYNTAX_REMEDIES[code];
  return {
    code: 'config-yaml',
    message: `Cannot read the YAML: ${cause}`,
    ...(remedy === undefined ? {} : { remedy }),
  };
}

const SYNTAX_REMEDIES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with spaces, never with tabs',
  BAD_INDENT: 'give all entries of one mapping or list the same indentation',
  BLOCK_AS_IMPLICIT_KEY: 'the next line may be indented too far; otherwise quote the value that holds ": "',
  MULTILINE_IMPLICIT_KEY: 'end the key with ":" on its own line, and quote a value that holds ": "',
  MISSING_CHAR: 'close the quote or bracket that was opened, and put a space behind ":" and ","',
  UNEXPECTED_TOKEN: 'look at the indentation, and quote values that begin with one of @ ` % & * ! | > { [',
  BAD_ALIAS: 'define the anchor with "&" before its alias, or quote a value that begins with "*"',
  BAD_DQ_ESCAPE: 'double the backslash, or use single quotes, in which a backslash is plain text',
  BAD_SCALAR_START: 'quote the value',
  IMPOSSIBLE: 'look at the indentation of this line and the one before',
};

function isMergePair(pair: Pair<unknown, unknown>): boolean {
  return isScalar(pair.key) && keyText(pair.key) === '<<' && pair.key.type === 'PLAIN';
}

/** Walks without recursion. Tells duplicates; returns the first node beyond the depth limit. */
function checkNodes(root: Node, duplicate: (node: Node, key: string, first: Node) => void): Node | undefined {
  const stack: { node: Node; depth: number }[] = [{ node: root, depth: 1 }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, depth } = top;
    if (!isCollection(node)) continue;
    if (depth > DEPTH_MAX) return node;
    if (isSeq(node)) {
      for (const item of node.items) stack.push({ node: item as Node, depth: depth + 1 });
      continue;
    }
    if (!isMap(node)) continue;
    const keys = new Map<string, Node>();
    for (const pair of node.items) {
      const key = keyText(pair.key);
      const first = keys.get(key);
      if (first === undefined) keys.set(key, pair.key as Node);
      else if (!isMergePair(pair)) duplicate(pair.key as Node, key, first);
      if (isCollection(pair.key)) stack.push({ node: pair.key as Node, depth: depth + 1 });
      if (pair.value !== null && pair.value !== undefined) {
        stack.push({ node: pair.value as Node, depth: depth + 1 });
      }
    }
  }
  return undefined;
}

function collectAnchors(root: Node | undefined): Map<string, Node> {
  const anchors = new Map<string, Node>();
  const stack: (Node | null | undefined)[] = [root];
  for (let node = stack.pop(); stack.length > 0 || node !== undefined; node = stack.pop()) {
    if (node === null || node === undefined) continue;
    if ((isScalar(node) || isCollection(node)) && node.anchor !== undefined) anchors.set(node.anchor, node);
    if (isSeq(node)) stack.push(...(node.items as Node[]));
    else if (isMap(node))
      for (const pair of node.items) stack.push(pair.key as Node, pair.value as Node | null);
  }
  return anchors;
}

function nullNode(at?: Node): Scalar {
  const node = new Scalar(null);
  node.source = '';
  node.range = at?.range ?? null;
  return node;
}

/** What stands behind "---" when nothing does. */
function isNothing(root: Node): boolean {
  return isScalar(root) && root.value === null && (root.source ?? '') === '';
}

function emptyMap(): YAMLMap {
  const map = new YAMLMap();
  map.range = [0, 0, 0];
  return map;
}

function childPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  const name = /^[\w.-]+$/.test(key) ? key : JSON.stringify(key);
  return path === '' ? name : `${path}.${name}`;
}

function byPlace(a: Diagnostic, b: Diagnostic): number {
  return a.line - b.line || a.column - b.column;
}
