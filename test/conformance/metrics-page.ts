// A reader of recorded metrics pages for comparisons, independent of the program's own parser.

export interface PageFamily {
  type: string;
  /** Key made of sorted non-empty labels → value. */
  readonly samples: Map<string, number>;
}

/** Families by name; samples whose name is no family's (summaries, histograms) form families of type "". */
export function readMetricsPage(text: string): Map<string, PageFamily> {
  const families = new Map<string, PageFamily>();
  const family = (name: string): PageFamily => {
    let found = families.get(name);
    if (found === undefined) {
      found = { type: '', samples: new Map() };
      families.set(name, found);
    }
    return found;
  };
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type !== null) family(type[1] ?? '').type = type[2] ?? '';
    if (line.startsWith('#') || line.trim() === '') continue;
    const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)$/.exec(line);
    if (match === null) throw new Error(`cannot read line of the page: ${line}`);
    const [, name = '', labels = '', value = ''] = match;
    family(name).samples.set(labelsText(readLabels(labels)), Number(value.replace('Inf', 'Infinity')));
  }
  return families;
}

function readLabels(text: string): [string, string][] {
  const pairs: [string, string][] = [];
  for (const [, name = '', raw = ''] of text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)) {
    const value = raw.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
    pairs.push([name, value]);
  }
  return pairs;
}

/** An empty label is an absent one. */
export function labelsText(pairs: readonly (readonly [string, string])[]): string {
  return pairs
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .sort()
    .join(',');
}
