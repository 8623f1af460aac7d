// What stands around a rendered text, whoever wrote its template: that it is a test or may be a repeat. Our own default
// texts also get what only we know: what recovery tried, how many alerts were left out, why the message comes now.

import { escapeHtml } from '../template/index.ts';
import type { NotificationData } from './data.ts';
import { type Language, WORDS } from './words.ts';

type Marks = Pick<NotificationData, 'IsTest' | 'PossibleRepeat'>;

/** Before a subject or a title: "[TEST] ", "[?] ". */
export function markOf(data: Marks): string {
  return `${data.IsTest ? '[TEST] ' : ''}${data.PossibleRepeat ? '[?] ' : ''}`;
}

/** Sentences, each a line of its own. */
export function markLines(data: Marks, language: Language): readonly string[] {
  const words = WORDS[language];
  return [...(data.IsTest ? [words.test] : []), ...(data.PossibleRepeat ? [words.repeat] : [])];
}

export interface FramedText {
  readonly text: string;
  readonly language: Language;
  /** Of our own: it gets the whole frame, not only the marks. */
  readonly isDefault: boolean;
}

export function framedText(data: NotificationData, { text, language, isDefault }: FramedText): string {
  const words = WORDS[language];
  const head = markLines(data, language).map(line => `${line}\n\n`);
  if (!isDefault) return head.join('') + text;
  if (data.RecoveryReport !== '') head.push(`${words.recovery}:\n${data.RecoveryReport}\n\n`);
  return `${head.join('')}${text}${leftOut(data, language, '\n')}${words.reason}: ${data.Reason}\n`;
}

export function framedHtml(data: NotificationData, { text, language, isDefault }: FramedText): string {
  const words = WORDS[language];
  const head = markLines(data, language).map(line => `<p><b>${escapeHtml(line)}</b></p>`);
  if (!isDefault) return withinBody(text, head.join(''));
  if (data.RecoveryReport !== '')
    head.push(`<p>${words.recovery}:</p><pre>${escapeHtml(data.RecoveryReport)}</pre>`);
  const more = leftOut(data, language, '');
  const tail = `${more === '' ? '' : `<p>${more}</p>`}<p style="color:#667">${words.reason}: ${escapeHtml(data.Reason)}</p>`;
  return `${withinBody(text, head.join(''))}${tail}`;
}

function leftOut(data: NotificationData, language: Language, end: string): string {
  const words = WORDS[language];
  return data.TruncatedAlerts === 0 ? '' : `${words.more} ${data.TruncatedAlerts} ${words.moreAfter}${end}`;
}

/** A document of its own keeps its declaration first: what comes before it would put readers into quirks mode. */
function withinBody(html: string, head: string): string {
  if (head === '') return html;
  const body = /<body\b[^>]*>/i.exec(html);
  if (body === null) return head + html;
  const at = body.index + body[0].length;
  return html.slice(0, at) + head + html.slice(at);
}
