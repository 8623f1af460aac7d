// A Slack message: one attachment, as Alertmanager sends it, with our marks before its title and in its pretext.

import type { Message, RenderText } from './channel.ts';
import { notificationData } from './data.ts';
import { forgivingRender } from './forgiving.ts';
import { framedText, markLines, markOf } from './frame.ts';
import { plainBody, plainSubject } from './plain.ts';
import { type Language, WORDS } from './words.ts';

/** Slack's limit on a title, in characters. */
const TITLE_CHARS_MAX = 1024;
/** Far below the 40,000 characters of a whole message, beyond which Slack refuses it. */
const TEXT_CHARS_MAX = 20_000;

interface Confirm {
  readonly text?: string | undefined;
  readonly title?: string | undefined;
  readonly ok_text?: string | undefined;
  readonly dismiss_text?: string | undefined;
}

interface Action {
  readonly type?: string | undefined;
  readonly text?: string | undefined;
  readonly url?: string | undefined;
  readonly style?: string | undefined;
  readonly name?: string | undefined;
  readonly value?: string | undefined;
  readonly confirm?: Confirm | undefined;
}

interface Field {
  readonly title?: string | undefined;
  readonly value?: string | undefined;
  readonly short?: boolean | undefined;
}

/** Templates all, but the lists' flags. "" is left out of the message. */
export interface SlackTexts {
  readonly language: Language;
  /** The text is our own. */
  readonly isDefaultText: boolean;
  readonly channel: string;
  readonly username: string;
  readonly color: string;
  readonly title: string;
  readonly titleLink: string;
  readonly pretext: string;
  readonly text: string;
  /** Of the message itself, outside its attachment. */
  readonly messageText: string;
  readonly fallback: string;
  readonly callbackId: string;
  readonly footer: string;
  readonly iconEmoji: string;
  readonly iconUrl: string;
  readonly imageUrl: string;
  readonly thumbUrl: string;
  readonly linkNames: boolean;
  readonly shortFields: boolean;
  readonly fields: readonly Field[];
  readonly mrkdwnIn: readonly string[];
  readonly actions: readonly Action[];
}

/** The body of a request, keys as Slack has them. */
export interface SlackRequest {
  readonly channel?: string;
  /** Of the message that is to be changed. */
  readonly ts?: string;
  readonly username?: string;
  readonly icon_emoji?: string;
  readonly icon_url?: string;
  readonly link_names?: boolean;
  readonly text?: string;
  readonly attachments: readonly Readonly<Record<string, unknown>>[];
}

export function slackRequest(
  texts: SlackTexts,
  { message, render: renderText }: { readonly message: Message; readonly render: RenderText },
): SlackRequest {
  const { language } = texts;
  const data = notificationData({ ...message, alertsMax: 0 });
  const { render, failures } = forgivingRender(renderText, data);
  const said = (template: string): string => render(template, '');
  const title = `${markOf(data)}${render(texts.title, plainSubject(data))}`;
  const pretext = [...markLines(data, language), said(texts.pretext)].filter(line => line !== '').join('\n');
  const body = render(texts.text, slackEscaped(plainBody(data)));
  const attachment = {
    ...set({
      title: cut(title, TITLE_CHARS_MAX),
      title_link: said(texts.titleLink),
      pretext,
    }),
    fallback: `${markOf(data)}${render(texts.fallback, plainSubject(data))}`,
    callback_id: said(texts.callbackId),
    ...fieldsOf(texts, said),
    ...actionsOf(texts, said),
    ...set({ image_url: said(texts.imageUrl), thumb_url: said(texts.thumbUrl) }),
    footer: said(texts.footer),
    ...set({ color: said(texts.color) }),
    mrkdwn_in: texts.mrkdwnIn.length === 0 ? ['fallback', 'pretext', 'text'] : texts.mrkdwnIn,
  };
  const request = {
    ...set({
      channel: said(texts.channel),
      username: said(texts.username),
      icon_emoji: said(texts.iconEmoji),
      icon_url: said(texts.iconUrl),
      text: said(texts.messageText),
    }),
    ...(texts.linkNames ? { link_names: true } : {}),
  };
  // Last, when it is known what failed. The marks stand in the pretext already.
  const framed = texts.isDefaultText
    ? framedText(
        {
          ...data,
          IsTest: false,
          PossibleRepeat: false,
          Reason: slackEscaped(data.Reason),
          RecoveryReport: slackEscaped(data.RecoveryReport),
        },
        { text: body, language, isDefault: true },
      )
    : body;
  const note =
    failures.length === 0 ? '' : `\n(${WORDS[language].failed}: ${slackEscaped(failures.join('; '))})`;
  return { ...request, attachments: [{ ...attachment, text: cut(framed, TEXT_CHARS_MAX) + note }] };
}

/** Without what is empty. */
function set<K extends string>(parts: Readonly<Record<K, string>>): Partial<Readonly<Record<K, string>>> {
  const kept: Partial<Record<K, string>> = {};
  for (const key in parts) if (parts[key] !== '') kept[key] = parts[key];
  return kept;
}

function fieldsOf(texts: SlackTexts, said: (template: string) => string): object {
  if (texts.fields.length === 0) return {};
  return {
    fields: texts.fields.map(({ title = '', value = '', short = texts.shortFields }) => ({
      title: said(title),
      value: said(value),
      short,
    })),
  };
}

/** A button with an address opens it; any other tells the app its name, so these have no say beside an address. */
function actionsOf(texts: SlackTexts, said: (template: string) => string): object {
  if (texts.actions.length === 0) return {};
  return {
    actions: texts.actions.map(
      ({ type = '', text = '', url = '', style = '', name = '', value = '', confirm }) => ({
        ...set({ type: said(type), text: said(text), url: said(url), style: said(style) }),
        ...(url === '' ? set({ name: said(name), value: said(value) }) : {}),
        ...(url === '' && confirm !== undefined ? { confirm: confirmOf(confirm, said) } : {}),
      }),
    ),
  };
}

function confirmOf(confirm: Confirm, said: (template: string) => string): object {
  const { text = '', title = '', ok_text = '', dismiss_text = '' } = confirm;
  return set({
    text: said(text),
    title: said(title),
    ok_text: said(ok_text),
    dismiss_text: said(dismiss_text),
  });
}

/** Slack's own three signs. */
function slackEscaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** By characters as people count them; a cut is shown. */
function cut(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const characters = [...text];
  return characters.length <= charsMax ? text : `${characters.slice(0, charsMax - 1).join('')}…`;
}
