// Texts of the page in the person's language, and times and numbers as that language writes them.

import type { CauseJson } from '../../../src/api/contract-explain.ts';
import { readWhy, whyText } from '../../../src/model/index.ts';
import { en, type MessageKey } from './en.ts';
import { whysZh } from './whys-zh.ts';
import { zh } from './zh.ts';

export type { MessageKey } from './en.ts';

export type Language = 'en' | 'zh';

const CATALOGUES = { en, zh } as const;
const LOCALES = { en: 'en-GB', zh: 'zh-CN' } as const;

export interface Texts {
  readonly language: Language;
  /** The text of a key with `{name}` replaced by its values. */
  t(key: MessageKey, values?: Readonly<Record<string, string | number>>): string;
  /** Whether a key exists: for words that come from the server. */
  word(prefix: string, word: string): string;
  time(atMs: number): string;
}

export function textsFor(language: Language): Texts {
  const catalogue = CATALOGUES[language];
  const times = new Intl.DateTimeFormat(LOCALES[language], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  });
  const dates = new Intl.DateTimeFormat(LOCALES[language], {
    dateStyle: 'medium',
    timeStyle: 'medium',
    hour12: false,
  });
  const t: Texts['t'] = (key, values = {}) => fill(catalogue[key], values);
  return {
    language,
    t,
    word: (prefix, word) => {
      const key = `${prefix}.${word}`;
      return key in catalogue ? catalogue[key as MessageKey] : word;
    },
    time: atMs => (Date.now() - atMs < 12 * 3_600_000 ? times : dates).format(atMs),
  };
}

/** A reason in the person's language; what only a newer server knows, and what no rule gave, as the server words it. */
export function whyWords(texts: Texts, { reason, why }: { reason: string; why?: unknown }): string {
  const known = texts.language === 'en' ? undefined : readWhy(why);
  return known === undefined ? reason : whyText(known, whysZh);
}

/** A cause in the person's language, with its times; one that only a newer server knows, as the server words it. */
export function causeWords(texts: Texts, cause: CauseJson): string {
  const key = `cause.${cause.code}`;
  if (!(key in en)) return cause.text;
  const values = Object.entries(cause.params).map(
    ([name, value]) =>
      [
        name,
        name.endsWith('AtMs')
          ? texts.time(Number(value))
          : name === 'reason'
            ? whyWords(texts, { reason: String(value), why: cause.why })
            : value,
      ] as const,
  );
  return texts.t(key as MessageKey, Object.fromEntries(values));
}

export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** What the person chose before, else what the browser asks for. */
export function initialLanguage(stored: string | null, wanted: readonly string[]): Language {
  if (stored === 'en' || stored === 'zh') return stored;
  return wanted
    .find(tag => /^(en|zh)\b/i.test(tag))
    ?.toLowerCase()
    .startsWith('zh') === true
    ? 'zh'
    : 'en';
}
