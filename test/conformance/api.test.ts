// Our answers against the description that Prometheus gives of its API: for each route that both have, with the parameters that
// the description itself gives as examples.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { bench, jsonOf } from '../../src/api/testdata/bench.ts';
import { describeCorpus, reportCases } from '../support/corpora.ts';
import { type Schema, schemaProblems } from '../support/json-schema.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: { readonly type?: string };
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

interface Description {
  readonly paths: Readonly<Record<string, { readonly get?: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** What we do not serve yet: a route beyond these is one that is missing. */
const NOT_YET: ReadonlySet<string> = new Set([
  '/notifications',
  '/search/label_names',
  '/search/label_values',
  '/search/metric_names',
  '/status/config',
  '/status/flags',
  '/status/self_metrics',
  '/status/tsdb/blocks',
  '/status/walreplay',
  '/targets/metadata',
  '/targets/relabel_steps',
]);

/** What is answered without the shape of a JSON object, or by nobody who is not there. */
const NOT_JSON = 'text/event-stream';

function schemaOf({ responses }: Operation, code: string): Schema | undefined {
  return responses[code]?.content?.['application/json']?.schema;
}

/** Parameters with the first example of each: the required ones, or all. */
function askedOf(
  path: string,
  { parameters = [] }: Operation,
  all: boolean,
): { path: string; query: string } {
  const query = new URLSearchParams();
  let filled = path;
  for (const one of parameters) {
    const [example] = Object.values(one.examples ?? {});
    if (one.in === 'path') filled = filled.replace(`{${one.name}}`, String(example?.value ?? 'job'));
    else if (example !== undefined && (one.required === true || all))
      for (const value of [example.value].flat()) query.append(one.name, String(value));
  }
  return { path: `/api/v1${filled}`, query: query.toString() };
}

describeCorpus('prometheus/api', folder => {
  const files = readdirSync(folder).filter(name => name.endsWith('.yaml'));
  let served = 0;
  const missing: string[] = [];

  for (const file of files) {
    const description = parse(readFileSync(join(folder, file), 'utf8')) as Description;
    const { schemas } = description.components;
    describe(file, () => {
      for (const [path, { get }] of Object.entries(description.paths)) {
        if (get === undefined) continue;
        it(path, async () => {
          const { ask } = await bench();
          for (const all of [false, true]) {
            const response = await ask(askedOf(path, get, all));
            if (response.status === 404) {
              missing.push(path);
              expect(NOT_YET, 'routes that are not served yet').toContain(path);
              return;
            }
            served++;
            const code = response.status === 200 ? '200' : 'default';
            const schema = schemaOf(get, code);
            if (schema === undefined || response.headers['content-type'] === NOT_JSON) continue;
            expect(schemaProblems(jsonOf(response), schema, schemas), `${code} of ${path}`).toEqual([]);
            expect(
              code,
              `${JSON.stringify(askedOf(path, get, all))}: ${JSON.stringify(jsonOf(response))}`,
            ).toBe('200');
          }
        });
      }

      it('mistakes', async () => {
        const { ask } = await bench();
        for (const path of ['/query', '/query_range', '/series', '/format_query', '/parse_query']) {
          const response = await ask({ path: `/api/v1${path}`, query: 'query=sum(' });
          expect(response.status).toBe(400);
          expect(schemaProblems(jsonOf(response), schemas['Error'] as Schema, schemas)).toEqual([]);
        }
      });
    });
  }

  afterAll(() => {
    reportCases('prometheus/api', { files: files.length, cases: served });
    console.log(`prometheus/api: not served: ${missing.join(', ')}`);
  });
});
