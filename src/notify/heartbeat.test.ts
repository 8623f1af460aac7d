// The sign of life as a channel: what it asks of its alert, and what it sends.

import { describe, expect, it } from 'vitest';
import { parseDocument, readDocument } from '../config/index.ts';
import type { Alert } from '../model/index.ts';
import { heartbeat } from './heartbeat.ts';
import { alert, jobOf, kit, messageOf, START_MS, signal } from './testdata/kit.ts';

const URL_TEXT = 'https://beat.test/ping/1';

function read(yaml: string) {
  const outcome = readDocument(parseDocument(yaml, 'h.yml'), heartbeat.schema);
  return {
    value: outcome.value,
    says: outcome.diagnostics.map(one => `${one.code}: ${one.message}`).join('\n'),
  };
}

async function beat(yaml: string, part: Partial<Alert>, k = kit()) {
  const { value, says } = read(yaml);
  if (value === undefined) throw new Error(says);
  const sender = heartbeat.create(value, k.ports);
  if (!sender.ok) throw new Error(sender.error);
  k.http.on('https://beat.test/', { body: 'OK' });
  const job = jobOf({ alerts: [alert('a', part)] });
  return {
    outcome: await sender.value.send(messageOf(job), signal),
    requests: k.http.requests,
    sender: sender.value,
  };
}

const fresh = { value: START_MS / 1000 - 5 };

describe('a sign of life', () => {
  it('asks the URL, and nothing else', async () => {
    const { outcome, requests, sender } = await beat(`url: ${URL_TEXT}`, fresh);
    expect(outcome).toEqual({ kind: 'sent', answer: '200 OK' });
    expect(requests).toMatchObject([{ method: 'GET', url: URL_TEXT }]);
    expect(requests[0]?.body).toBeUndefined();
    expect(sender.sendResolved).toBe(false);
  });

  it('can be a POST with the JSON of a webhook', async () => {
    const { requests } = await beat(`url: ${URL_TEXT}\nmethod: POST`, fresh);
    expect(requests[0]?.method).toBe('POST');
    expect(JSON.parse(new TextDecoder().decode(requests[0]?.body))).toMatchObject({ version: '4' });
  });

  it.each([
    ['samples are old', { value: START_MS / 1000 - 121 }, '121 s old'],
    ['samples are of the future', { value: START_MS / 1000 + 300 }, '-300 s old'],
    ['data is missing', { ...fresh, state: 'unknown' }, 'unknown, not firing'],
    ['it ended', { ...fresh, state: 'resolved' }, 'resolved, not firing'],
  ] as const)('is not given when %s', async (_, part, words) => {
    const { outcome, requests } = await beat(`url: ${URL_TEXT}\ninterval: 1m`, part);
    expect(outcome).toMatchObject({ kind: 'drop', reason: 'no sign of life' });
    expect(JSON.stringify(outcome)).toContain(words);
    expect(requests).toEqual([]);
  });
});

it.each([
  ['interval: 1m', 'config-missing-key: Cannot do without one of "url", "url_file"'],
  [`url: ${URL_TEXT}\nurl_file: f`, 'config-conflict: Cannot use "url", "url_file" together'],
  ['url: beat.test', 'config-bad-value: Cannot use the URL of url'],
  [`url: ${URL_TEXT}\ninterval: 1s`, 'config-bad-value'],
  [`url: ${URL_TEXT}\nmethod: PUT`, 'config-bad-value'],
])('%j: %s', (yaml, says) => {
  expect(read(yaml).says).toContain(says);
});
