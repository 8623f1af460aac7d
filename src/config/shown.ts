// The configuration in force as one YAML text that may be shown: what the files say, without comments and without secrets.

import { isMap, isScalar, isSeq, type Node, stringify } from 'yaml';
import { formatDuration } from '../base/index.ts';
import type { GlobalConfig } from './config.ts';
import { resolverOf, type YamlDocument } from './document.ts';
import { keyText, valueNode } from './schema.ts';

/** A file that was read, and the nodes of it that hold a secret. */
export interface ReadDocument {
  readonly document: YamlDocument;
  readonly hidden: ReadonlySet<Node>;
}

const HIDDEN = '<secret>';
/** The password of a URL, wherever one stands. */
const URL_PASSWORD = /(:\/\/[^\s/:@]*):[^\s/@]*@/g;

type Plain = string | number | boolean | null | readonly Plain[] | ReadonlyMap<string, Plain>;

/** Sections of several files stand in one, as they might in one file; `global` also says the defaults in force. */
export function shownConfig(documents: readonly ReadDocument[], global: GlobalConfig): string {
  const sections = new Map<string, Plain>([['global', new Map()]]);
  for (const one of documents) {
    const root = plainOf(one);
    if (root instanceof Map) joinInto(sections, root);
  }
  joinInto(sections, new Map([['global', defaultsOf(global)]]));
  return stringify(sections, { aliasDuplicateObjects: false, lineWidth: 0 });
}

/** What is there stays; mappings under one name become one. */
function joinInto(sections: Map<string, Plain>, more: ReadonlyMap<string, Plain>): void {
  for (const [key, value] of more) {
    const known = sections.get(key);
    if (known instanceof Map && value instanceof Map) sections.set(key, new Map([...value, ...known]));
    else if (known === undefined) sections.set(key, value);
  }
}

function defaultsOf(global: GlobalConfig): ReadonlyMap<string, Plain> {
  return new Map([
    ['scrape_interval', formatDuration(global.scrapeIntervalMs)],
    ['scrape_timeout', formatDuration(global.scrapeTimeoutMs)],
    ['evaluation_interval', formatDuration(global.evaluationIntervalMs)],
  ]);
}

/** Aliases and merged mappings are written out, within the limits of any reading. */
function plainOf({ document, hidden }: ReadDocument): Plain {
  const resolve = resolverOf(document);
  const plain = (node: Node): Plain => {
    const found = resolve(node);
    // As in Prometheus an empty secret is seen to be none.
    if (hidden.has(found)) return isScalar(found) && (found.value ?? '') === '' ? '' : HIDDEN;
    if (isSeq(found)) return found.items.map(item => plain(item as Node));
    if (isMap(found))
      return new Map(found.items.map(pair => [keyText(pair.key), plain(valueNode(pair))] as const));
    return isScalar(found) ? scalarOf(found.value) : null;
  };
  return document.root === undefined ? null : plain(document.root);
}

function scalarOf(value: unknown): Plain {
  if (typeof value === 'string') return value.replace(URL_PASSWORD, `$1:${HIDDEN}@`);
  return typeof value === 'number' || typeof value === 'boolean' || value === null ? value : String(value);
}
