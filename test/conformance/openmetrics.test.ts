// The parser tests of the OpenMetrics project: the strict view of `check metrics` judges each page as its test says.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { checkOpenMetrics } from '../../src/exposition/index.ts';
import { describeCorpus, reportCases } from '../support/corpora.ts';

interface ParserTest {
  readonly file: string;
  readonly comment?: string;
  readonly shouldParse: boolean;
}

describeCorpus('openmetrics', root => {
  const folder = join(root, 'parsers');
  const names = readdirSync(folder).sort();
  it.each(names.map(name => [name]))('%s', name => {
    const test = JSON.parse(readFileSync(join(folder, name, 'test.json'), 'utf8')) as ParserTest;
    const failure = checkOpenMetrics(readFileSync(join(folder, name, test.file)));
    expect(failure === undefined, failure?.message ?? 'taken').toBe(test.shouldParse);
    if (failure !== undefined) expect(failure.message).toMatch(/^line \d+, column \d+: Cannot read /);
  });
  afterAll(() => reportCases('openmetrics', { files: names.length, cases: names.length }));
});
