// Whatever the template says, the engine neither throws nor runs on.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { alertmanagerFunctions, expandTemplate, prometheusFunctions, type Value } from './index.ts';

const SEED = 20_260_101;
const FUNCTIONS = new Map([...prometheusFunctions({ externalUrl: 'http://w' }), ...alertmanagerFunctions()]);
const LIMITS = { outputCharsMax: 10_000, stepsMax: 5_000, depthMax: 20 };

const PIECES = [
  ...[
    '{{',
    '}}',
    '{{-',
    '-}}',
    '{{ ',
    ' }}',
    '(',
    ')',
    '|',
    ':=',
    '=',
    ',',
    '.',
    '$',
    '$x',
    '$y',
    ' ',
    '\n',
    'text',
  ],
  ...[
    'if',
    'else',
    'else if',
    'end',
    'range',
    'with',
    'define "t"',
    'template "t"',
    'block "b"',
    'break',
    'continue',
  ],
  ...[
    '"str"',
    '`raw`',
    "'c'",
    '1',
    '-2',
    '3.5',
    '0x1f',
    '1e9',
    'nil',
    'true',
    'false',
    '/* c */',
    '"',
    '`',
    "'",
  ],
  ...['.List', '.Map', '.Name', '.Map.a', '.Nope', '.T', '.T.Format', '.A.B.C'],
  ...[
    'index',
    'slice',
    'len',
    'print',
    'printf "%5.2f%s%v%d%q%x"',
    'eq',
    'lt',
    'and',
    'or',
    'not',
    'html',
    'js',
  ],
  ...FUNCTIONS.keys(),
];

const DATA: Value = {
  Name: 'x',
  List: ['a', 1n, 2.5, null],
  Map: new Map([['a', 'b']]),
  A: { B: { C: true } },
};

function survives(text: string, html: boolean): void {
  const result = expandTemplate(text, DATA, { functions: FUNCTIONS, nowMs: 0, limits: LIMITS, html });
  if (result.ok) expect(result.value.length).toBeLessThanOrEqual(LIMITS.outputCharsMax);
  else expect(result.error.message).not.toBe('');
}

it(`templates of random pieces end with a text or an error (seed ${SEED})`, () => {
  const template = fc.array(fc.constantFrom(...PIECES), { maxLength: 30 }).map(pieces => pieces.join(' '));
  fc.assert(
    fc.property(template, fc.boolean(), (text, html) => survives(text, html)),
    { seed: SEED, numRuns: 3000 },
  );
});

it(`single actions of random words end with a text or an error (seed ${SEED})`, () => {
  const action = fc
    .array(fc.constantFrom(...PIECES.filter(piece => !/[{}]/.test(piece))), { minLength: 1, maxLength: 6 })
    .map(words => `<a href="{{ ${words.join(' ')} }}">{{ range .List }}{{ ${words.join(' ')} }}{{ end }}`);
  fc.assert(
    fc.property(action, fc.boolean(), (text, html) => survives(text, html)),
    { seed: SEED, numRuns: 3000 },
  );
});

it(`random texts end with a text or an error (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => survives(`{{${text}}}`, true)),
    { seed: SEED, numRuns: 2000 },
  );
});
