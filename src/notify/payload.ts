// A webhook's body of one's own: any YAML, with a template in each text, sent as JSON.

import { err, ok, type Result } from '../base/index.ts';
import { anything, parseDocument, readDocument } from '../config/index.ts';
import type { RenderText } from './channel.ts';
import type { NotificationData } from './data.ts';

/** Deeper data would be a mistake of whoever wrote it. */
const DEPTH_MAX = 100;

export interface PayloadOptions {
  readonly data: NotificationData;
  readonly render: RenderText;
}

/**
 * As Alertmanager: a text whose result reads as a number, a truth value, a list or a mapping in YAML becomes that, an empty
 * one null. What a template made is no template again: a label's value cannot run as one.
 */
export function fillPayload(payload: unknown, options: PayloadOptions): Result<string, string> {
  const filled = fill(payload, options, 0);
  return filled.ok ? ok(JSON.stringify(filled.value)) : filled;
}

function fill(value: unknown, options: PayloadOptions, depth: number): Result<unknown, string> {
  if (depth > DEPTH_MAX) return err(`payload is nested more than ${DEPTH_MAX} deep`);
  if (typeof value === 'string') {
    const text = rendered(value, options);
    return text.ok ? ok(typed(text.value)) : text;
  }
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) {
      const filled = fill(item, options, depth + 1);
      if (!filled.ok) return filled;
      items.push(filled.value);
    }
    return ok(items);
  }
  if (typeof value !== 'object' || value === null) return ok(value);
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    const name = rendered(key, options);
    if (!name.ok) return name;
    const filled = fill(item, options, depth + 1);
    if (!filled.ok) return filled;
    entries.push([name.value, filled.value]);
  }
  return ok(Object.fromEntries(entries));
}

function rendered(template: string, { data, render }: PayloadOptions): Result<string, string> {
  if (!template.includes('{{')) return ok(template);
  const made = render(template, data, 'text');
  return made.ok ? made : err(made.error.message);
}

/** The text itself where YAML sees a text, or nothing that it can read. */
function typed(text: string): unknown {
  const outcome = readDocument(parseDocument(text, 'payload'), anything());
  if (outcome.diagnostics.length > 0) return text;
  const { value } = outcome;
  if (text.trim() === '') return null;
  return value === undefined || typeof value === 'string' ? text : value;
}
