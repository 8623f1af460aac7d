import { describe, expect, it } from 'vitest';
import { cutText, padText, textWidth, visible, wrapText } from './width.ts';

describe('the width of', () => {
  it.each([
    ['abc', 3],
    ['', 0],
    ['é', 1],
    ['e\u0301', 1],
    ['主机', 4],
    ['ＡＢ', 4],
    ['ｱ', 1],
    ['한국', 4],
    ['\u1112\u1161\u11ab', 2],
    ['かな', 4],
    ['「」、。', 8],
    ['𠀀', 2],
    ['🏯', 2],
    ['👨‍👩‍👧', 2],
    ['👍🏽', 2],
    ['🇨🇳', 2],
    ['❤️', 2],
    ['❤', 1],
    ['…', 1],
    ['⣿▁', 2],
  ])('%s is %i', (text, width) => {
    expect(textWidth(text)).toBe(width);
  });
});

describe('cut', () => {
  it.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['主机名称', 8, '主机名称'],
    ['主机名称', 7, '主机名…'],
    ['主机名称', 6, '主机…'],
    ['主机', 1, '…'],
    ['主机', 0, ''],
    ['a👨‍👩‍👧b', 3, 'a…'],
    ['a👨‍👩‍👧bc', 4, 'a👨‍👩‍👧…'],
  ])('%s to %i is %s', (text, columns, wanted) => {
    expect(cutText(text, columns)).toBe(wanted);
    expect(textWidth(cutText(text, columns))).toBeLessThanOrEqual(columns);
  });
});

describe('wrapped', () => {
  it.each([
    ['m{a="1", b="2"}', 15, ['m{a="1", b="2"}']],
    ['m{a="1", b="2"}', 14, ['m{a="1",', '    b="2"}']],
    ['m{a="1", b="主机主机主机", c="3"}', 14, ['m{a="1",', '    b="主机主…', '    c="3"}']],
    ['no comma in it', 5, ['no c…']],
    ['m{a="1", b="2"}', undefined, ['m{a="1", b="2"}']],
  ])('%s to %s', (text, columns, lines) => {
    expect(wrapText(text, columns)).toEqual(lines);
  });
});

it('padding counts columns', () => {
  expect(padText('主机', 6, 'left')).toBe('主机  ');
  expect(padText('主机', 6, 'right')).toBe('  主机');
});

it('what a terminal would act on is shown instead', () => {
  expect(visible('a\nb\t\x1b[2J\x7f\u009b\u202e\u200b主机👨‍👩‍👧')).toBe(
    'a\\nb\\t\\x1b[2J\\x7f\\x9b\\u{202e}\\u{200b}主机👨‍👩‍👧',
  );
});
