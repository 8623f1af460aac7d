// Target groups in files and from endpoints: Prometheus's own fixtures. "valid*" and "*.good.*" load, "invalid*" do not.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parseGroups } from '../../src/discovery/index.ts';
import { describeCorpus, readJsonLines, reportCases } from '../support/corpora.ts';

for (const folder of ['prometheus/file-sd', 'prometheus/http-sd']) {
  describeCorpus(folder, path => {
    const names = readdirSync(path).filter(name => /\.(json|ya?ml)$/.test(name));
    afterAll(() => reportCases(folder, { files: names.length, cases: names.length }));
    it('has fixtures', () => expect(names.length).toBeGreaterThan(0));
    for (const name of names) {
      it(name, () => {
        const read = parseGroups(readFileSync(join(path, name), 'utf8'), name);
        if (name.startsWith('invalid')) {
          expect(read.ok).toBe(false);
          if (!read.ok) expect(read.error).toMatch(new RegExp(`^${name.replace('.', '\\.')}:\\d+:\\d+: `));
        } else {
          expect(read.ok ? '' : read.error).toBe('');
          // The shortest of them, a comment alone, has no group at all.
          if (read.ok) for (const group of read.value) expect(group.targets.length).toBeGreaterThan(0);
        }
      });
    }
  });
}

describeCorpus('prometheus/promtool', path => {
  interface Row {
    readonly file: string;
    readonly kind: string;
    readonly ok?: boolean;
    readonly error?: string;
  }
  const rows = readJsonLines<Row>(join(path, 'expected.jsonl')).filter(row => row.kind === 'check-sd-file');
  afterAll(() => reportCases('promtool check sd-file', { files: rows.length, cases: rows.length }));
  it('has fixtures', () => expect(rows.length).toBeGreaterThan(0));
  it.each(rows)('$file', ({ file, ok, error }) => {
    const read = parseGroups(readFileSync(join(path, file), 'utf8'), file);
    expect(read.ok).toBe(ok);
    const field = /^field (\S+) not found/.exec(error ?? '')?.[1];
    if (!read.ok && field !== undefined) expect(read.error).toContain(`"${field}"`);
  });
});
