// The whole program with a section of remote_write: what it scrapes is sent, a reload changes the queues, and it says how far it is.

import { expect, it } from 'vitest';
import { readWriteRequest, type SentRequest } from '../../test/support/write-requests.ts';
import type { RemoteWriteJson } from '../api/index.ts';
import { remoteWriteTargetsOf } from './remote.ts';
import { serve } from './serve.ts';
import { bench, configText } from './testdata/bench.ts';

const SINK = 'http://sink.example/write';

const withRemote = (entries: string): string => configText({ more: `remote_write: [${entries}]\n` });
const ENTRY = `{ name: one, url: '${SINK}', headers: { X-Tenant: t }, queue_config: { batch_send_deadline: 1s } }`;

it('what is scraped is sent, and the API and /metrics say how far it has come', async () => {
  const b = await bench();
  const sent: SentRequest[] = [];
  b.http.on(SINK, request => {
    sent.push(readWriteRequest(request));
    return { status: 204 };
  });
  await b.write('watchkeeper.yml', withRemote(ENTRY));
  const system = await b.start();
  await b.clock.advance(10_000);
  const names = new Set(sent.flatMap(({ series }) => series.map(({ labels }) => labels[0]?.[1])));
  expect(names).toContain('trouble');
  expect(names).toContain('ALERTS');
  expect(sent[0]?.headers).toMatchObject({
    'x-tenant': 't',
    'user-agent': expect.stringContaining('Watchkeeper/'),
  });
  const listening = await serve(b.ports, system, { host: '127.0.0.1', port: 0 });
  if (!listening.ok) throw new Error(listening.error);
  const url = `http://127.0.0.1:${listening.value.port}`;
  const ask = async (path: string): Promise<string> =>
    String((await b.server.call({ method: 'GET', url: `${url}${path}` }))?.body);
  const { data } = JSON.parse(await ask('/api/watchkeeper/v1/remote-write')) as { data: RemoteWriteJson[] };
  expect(data).toMatchObject([{ name: 'one', protocol: 'prometheus.WriteRequest', shards: 1 }]);
  expect(data[0]?.newestSentMs).toBeGreaterThan(b.clock.nowMs() - 5000);
  expect(data[0]).not.toHaveProperty('lastError');
  const page = await ask('/metrics');
  expect(page).toMatch(/^prometheus_remote_storage_samples_total\{remote_name="one",url="[^"]*"\} [1-9]/m);
  // A reload takes the section out: nothing more goes there.
  await b.write('watchkeeper.yml', configText());
  const reloaded = system.reload();
  await b.clock.advance(6000);
  expect((await reloaded).ok).toBe(true);
  const count = sent.length;
  await b.clock.advance(10_000);
  expect(sent).toHaveLength(count);
  expect(system.remote.status()).toEqual([]);
});

it('sections are told apart by name, or by all they say; equal ones too', async () => {
  const b = await bench();
  const other = "{ url: 'http://other.example/write' }";
  await b.write('watchkeeper.yml', withRemote(`${ENTRY}, ${other}, ${other}`));
  const targets = remoteWriteTargetsOf((await b.start()).config());
  expect(new Set(targets.map(({ id }) => id)).size).toBe(3);
  expect(new Set(targets.map(({ name }) => name)).size).toBe(3);
  const [named] = targets;
  const changed = await bench();
  await changed.write('watchkeeper.yml', withRemote(ENTRY.replace('1s', '2s')));
  const [again] = remoteWriteTargetsOf((await changed.start()).config());
  expect(again?.id).toBe(named?.id);
  expect(again?.key).not.toBe(named?.key);
});
