// Escaping by HTML context, as html/template does it for the places that mails have: text, attribute values, URLs
// in attributes, script and style. The context is found by following the literal text at run time.

import { escapeHtml, escapeJs, wellFormed } from './builtins.ts';
import { isList, isMap, isObject, type Value } from './values.ts';

export interface HtmlEscaper {
  /** Text of the template itself passes unchanged; the context follows it. */
  literal(text: string): void;
  /** A value, escaped for where it is about to stand. */
  value(text: string, of: { readonly value: Value; readonly safe: 'html' | 'url' | undefined }): string;
}

type Context =
  | { readonly kind: 'text' }
  | { readonly kind: 'comment' }
  | { readonly kind: 'tag'; readonly tag: string }
  /** After `name=`, before the value. */
  | { readonly kind: 'before-value'; readonly tag: string; readonly name: string }
  | {
      readonly kind: 'value';
      readonly tag: string;
      readonly name: string;
      readonly quote: string;
      /** What of the attribute stands so far. */
      readonly written: string;
    }
  /** Inside script, style, textarea or title, up to the closing tag. */
  | { readonly kind: 'raw'; readonly tag: string; readonly quote: string };

const URL_ATTRIBUTES = new Set(['href', 'src', 'action', 'formaction', 'cite', 'poster', 'background']);
const RAW_TAGS = new Set(['script', 'style', 'textarea', 'title']);

export function createHtmlEscaper(): HtmlEscaper {
  let context: Context = { kind: 'text' };
  return {
    literal(text) {
      context = follow(context, text);
    },
    value(text, of) {
      if (context.kind === 'before-value') context = { ...context, kind: 'value', quote: '', written: '' };
      const escaped = escapeFor(context, text, of);
      if (context.kind === 'value') context = { ...context, written: context.written + escaped };
      return escaped;
    },
  };
}

function escapeFor(
  context: Context,
  text: string,
  of: { readonly value: Value; readonly safe: 'html' | 'url' | undefined },
): string {
  switch (context.kind) {
    case 'text':
      return of.safe === 'html' ? text : asText(text);
    case 'comment':
      return '';
    case 'tag':
    case 'before-value':
      // A tag or attribute name made of data: only what cannot change the structure.
      return /^[\w:-]*$/.test(text) ? text : 'ZgotmplZ';
    case 'value': {
      const isUrl = URL_ATTRIBUTES.has(context.name);
      if (/^on/.test(context.name)) return attribute(jsValue(text, of.value), context.quote);
      if (context.name === 'style') return attribute(cssValue(text), context.quote);
      return attribute(isUrl ? urlPart(text, context.written, of.safe === 'url') : text, context.quote);
    }
    case 'raw':
      if (context.tag === 'script') return context.quote === '' ? jsValue(text, of.value) : escapeJs(text);
      return context.tag === 'style' ? cssValue(text) : asText(text);
  }
}

function attribute(text: string, quote: string): string {
  const escaped = asText(text);
  // Without quotes a blank would end the value.
  return quote === '' ? escaped.replace(/[\s=`]/g, char => `&#${char.charCodeAt(0)};`) : escaped;
}

/** As html/template escapes: "+" too, unlike the function `html`, since old readers took "+ADw-" for a sign of UTF-7. */
function asText(text: string): string {
  return escapeHtml(text).replaceAll('+', '&#43;');
}

/** After "?" or "#" a value is data and wholly escaped; before, an address is kept but its scheme is checked. */
function urlPart(text: string, written: string, safe: boolean): string {
  if (safe) return percent(text, /[^\w\-.~!#$&*+,/:;=?@[\]%()]/g);
  if (/[?#]/.test(written)) return percent(text, /[^A-Za-z0-9\-._~]/g);
  const scheme = /^[^/?#]*?:/.exec(text);
  if (written === '' && scheme !== null && !/^(https?|mailto):$/i.test(scheme[0])) return '#ZgotmplZ';
  return percent(text, /[^\w\-.~!#$&*+,/:;=?@[\]%]/g);
}

function percent(text: string, unsafe: RegExp): string {
  return wellFormed(text).replace(unsafe, char => {
    let encoded = '';
    for (const byte of new TextEncoder().encode(char)) encoded += `%${byte.toString(16).padStart(2, '0')}`;
    return encoded;
  });
}

function jsValue(text: string, value: Value): string {
  if (value === null || value === undefined) return ' null ';
  if (typeof value === 'boolean' || typeof value === 'bigint') return ` ${value} `;
  if (typeof value === 'number' && Number.isFinite(value)) return ` ${value} `;
  if (isList(value) || isMap(value) || isObject(value)) return `"${escapeJs(text)}"`;
  return `"${escapeJs(text)}"`;
}

/** Numbers, colours and words pass; anything that could open a construct does not. */
function cssValue(text: string): string {
  return /^[\w#%. ,-]*$/.test(text) ? text : 'ZgotmplZ';
}

// --- following the literal text ---------------------------------------------------------------------

function follow(start: Context, text: string): Context {
  let context = start;
  let at = 0;
  while (at < text.length) {
    const step = advance(context, text, at);
    context = step.context;
    at = step.at;
  }
  return context;
}

interface Step {
  readonly context: Context;
  readonly at: number;
}

function advance(context: Context, text: string, at: number): Step {
  switch (context.kind) {
    case 'text':
      return followText(text, at);
    case 'comment': {
      const end = text.indexOf('-->', at);
      return end < 0 ? { context, at: text.length } : { context: { kind: 'text' }, at: end + 3 };
    }
    case 'tag':
      return followTag(context, text, at);
    case 'before-value': {
      const skip = /^\s*/.exec(text.slice(at))?.[0].length ?? 0;
      const quote = text.charAt(at + skip);
      if (quote === '') return { context, at: text.length };
      const { tag, name } = context;
      const quoted = quote === '"' || quote === "'";
      return {
        context: { kind: 'value', tag, name, quote: quoted ? quote : '', written: '' },
        at: at + skip + (quoted ? 1 : 0),
      };
    }
    case 'value':
      return followValue(context, text, at);
    case 'raw':
      return followRaw(context, text, at);
  }
}

function followText(text: string, at: number): Step {
  const open = text.indexOf('<', at);
  if (open < 0) return { context: { kind: 'text' }, at: text.length };
  if (text.startsWith('<!--', open)) return { context: { kind: 'comment' }, at: open + 4 };
  const tag = /^<(\/?[A-Za-z][\w:-]*)/.exec(text.slice(open, open + 64));
  if (tag === null) return { context: { kind: 'text' }, at: open + 1 };
  return { context: { kind: 'tag', tag: (tag[1] ?? '').toLowerCase() }, at: open + tag[0].length };
}

function followTag(context: Context & { readonly kind: 'tag' }, text: string, at: number): Step {
  const char = text.charAt(at);
  if (char === '>') {
    const raw = RAW_TAGS.has(context.tag);
    return { context: raw ? { kind: 'raw', tag: context.tag, quote: '' } : { kind: 'text' }, at: at + 1 };
  }
  let end = at;
  while (end < text.length && !/[\s=>]/.test(text.charAt(end))) end++;
  const name = text.slice(at, end).toLowerCase();
  let next = end;
  while (/\s/.test(text.charAt(next))) next++;
  if (name !== '' && text.charAt(next) === '=') {
    return { context: { kind: 'before-value', tag: context.tag, name }, at: next + 1 };
  }
  return { context, at: Math.max(next, at + (name === '' && next === at ? 1 : 0)) };
}

function followValue(context: Context & { readonly kind: 'value' }, text: string, at: number): Step {
  const { tag, quote } = context;
  let end = at;
  while (end < text.length) {
    const char = text.charAt(end);
    if (quote === '' ? /[\s>]/.test(char) : char === quote) break;
    end++;
  }
  if (end === text.length) {
    return { context: { ...context, written: context.written + text.slice(at) }, at: end };
  }
  return { context: { kind: 'tag', tag }, at: end + (quote === '' ? 0 : 1) };
}

function followRaw(context: Context & { readonly kind: 'raw' }, text: string, at: number): Step {
  const close = text.toLowerCase().indexOf(`</${context.tag}`, at);
  if (close >= 0)
    return { context: { kind: 'tag', tag: `/${context.tag}` }, at: close + context.tag.length + 2 };
  // Inside a script it matters whether a string is open.
  let quote = context.quote;
  for (let i = at; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '\\') i++;
    else if (quote === '' && /["'`]/.test(char)) quote = char;
    else if (char === quote) quote = '';
  }
  return { context: { ...context, quote }, at: text.length };
}
