import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { CauseJson } from '../../../src/api/contract-explain.ts';
import { CAUSE_WORDS } from '../../../src/api/index.ts';
import { WHY_WORDS, type WhyCode, whyText } from '../../../src/model/index.ts';
import { en } from './en.ts';
import { causeWords, initialLanguage, textsFor, whyWords } from './index.ts';
import { whysZh } from './whys-zh.ts';
import { zh } from './zh.ts';

const slots = (text: string): string[] =>
  [...text.matchAll(/\{(\w+)\}/g)].map(match => match[1] ?? '').sort();

describe('the catalogues', () => {
  it('have the same keys, with the same slots in each text', () => {
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
    for (const [key, text] of Object.entries(en))
      expect([key, slots(zh[key as keyof typeof en])]).toEqual([key, slots(text)]);
  });

  it('word the causes of an explanation as the server does, and each of them', () => {
    const prefix = 'cause.';
    const own = Object.entries(en).filter(([key]) => key.startsWith(prefix));
    expect(Object.fromEntries(own.map(([key, text]) => [key.slice(prefix.length), text]))).toEqual(
      CAUSE_WORDS,
    );
  });

  it('fill a cause with its times', () => {
    const params = { receiver: 'ops', dueAtMs: Date.UTC(2026, 0, 1) };
    const cause = { code: 'waiting_group', receiver: 'ops', params, text: 'as the server says' } as const;
    expect(causeWords(textsFor('en'), cause)).toMatch(/^ops is not told yet: .*2026/);
    expect(causeWords(textsFor('zh'), cause)).toMatch(/^尚未通知 ops：.*2026/);
    expect(causeWords(textsFor('zh'), { ...cause, code: 'of tomorrow' as CauseJson['code'] })).toBe(
      'as the server says',
    );
  });

  it('word every reason of a rule, with the same slots, and leave what they do not know as the server says it', () => {
    for (const [code, text] of Object.entries(WHY_WORDS))
      expect([code, slots(whysZh[code as WhyCode])]).toEqual([code, slots(text)]);
    const why = { code: 'counts', of: { code: 'target_silent', params: { target: 'job/x' } } } as const;
    const said = { reason: whyText(why), why };
    expect(whyWords(textsFor('en'), said)).toBe('its target is silent: job/x, which counts as the condition');
    expect(whyWords(textsFor('zh'), said)).toBe('目标没有响应：job/x，视同条件成立');
    for (const odd of [undefined, 'holds', { code: 'of tomorrow' }, { code: 'toString' }, []])
      expect(whyWords(textsFor('zh'), { reason: 'as it is', why: odd })).toBe('as it is');
    const cause = {
      code: 'no_data',
      receiver: null,
      params: { reason: said.reason },
      text: '',
      why,
    } as const;
    expect(causeWords(textsFor('zh'), cause)).toBe('数据缺失：目标没有响应：job/x，视同条件成立');
  });

  it('leave no text of the page outside of them', () => {
    const folder = fileURLToPath(new URL('..', import.meta.url));
    const pages = [folder, join(folder, 'panels')]
      .flatMap(path => readdirSync(path).map(name => join(path, name)))
      .filter(path => path.endsWith('.tsx'));
    expect(pages.length).toBeGreaterThan(4);
    // Text between tags, with at least one word of two letters: everything shown must come through t() or data.
    const bare = pages.flatMap(path =>
      [...readFileSync(path, 'utf8').matchAll(/>([^<>{}=;()]*[A-Za-z]{2}[^<>{}=;()]*)<\//g)].map(match =>
        match[1]?.trim(),
      ),
    );
    expect(bare).toEqual([]);
  });

  it('fill their slots', () => {
    expect(textsFor('en').t('recovery.attempt', { count: 2 })).toBe('attempt 2');
    expect(textsFor('zh').t('recovery.attempt', { count: 2 })).toBe('第 2 次尝试');
    expect(textsFor('en').word('state', 'firing')).toBe('firing');
    expect(textsFor('en').word('state', 'no such word')).toBe('no such word');
  });

  it.each([
    [null, ['zh-CN', 'en'], 'zh'],
    [null, ['de', 'en-US'], 'en'],
    [null, ['de'], 'en'],
    ['zh', ['en'], 'zh'],
  ] as const)('choose for stored %s and wanted %j: %s', (stored, wanted, language) => {
    expect(initialLanguage(stored, wanted)).toBe(language);
  });
});
