// Targets that answer with what no exporter would: the real program takes nothing of it, says why, keeps its memory within
// bounds, and scrapes the one honest target on time all the while.

import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { QueryData, TargetsData } from '../../src/api/index.ts';
import { type Program, startProgram, temporaryFolder, until } from './support.ts';

const TEST_MS_MAX = 120_000;
const GIGABYTE = 1024 ** 3;
/** A page may be 256 MB; what reads it takes some more. */
const RESIDENT_MB_MAX = 1200;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/**
 * The honest target must never be late by so much. Beside other tests on few cores a half second is about the machine: CI
 * runs this test once more, alone.
 */
const HONEST = process.env['WATCHKEEPER_ALONE'] === 'true' ? '500ms' : '2s';

const TEXT = { 'content-type': 'text/plain; version=0.0.4' };

/** Writes one piece again and again, as fast as the reader takes it. */
function pour(response: ServerResponse, piece: Buffer, times = Number.POSITIVE_INFINITY): void {
  let left = times;
  const more = (): void => {
    while (left-- > 0 && !response.destroyed)
      if (!response.write(piece)) return void response.once('drain', more);
    if (!response.destroyed) response.end();
  };
  more();
}

/** Its text ends with a broken compression, so that it is really read to the end. */
const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 'a 1\n'));

const PAGES: Readonly<Record<string, (response: ServerResponse) => void>> = {
  endless: response => pour(response.writeHead(200, TEXT), Buffer.from('endless 1\n'.repeat(6000))),
  gigabyte: response => {
    const piece = Buffer.alloc(1024 * 1024, '# nothing\n');
    pour(response.writeHead(200, { ...TEXT, 'content-length': GIGABYTE }), piece, GIGABYTE / piece.length);
  },
  // Each member of the file unpacks to 64 MB.
  bomb: response => pour(response.writeHead(200, { ...TEXT, 'content-encoding': 'gzip' }), bomb, 32),
  labels: response => {
    response.writeHead(200, TEXT).write('labels{');
    pour(response, Buffer.from('l="v",'.repeat(10_000)), 1000);
  },
  utf8: response =>
    response
      .writeHead(200, TEXT)
      .end(Buffer.from([0x61, 0x7b, 0x62, 0x3d, 0x22, 0xff, 0x22, 0x7d, 0x20, 0x31, 0x0a])),
  slow: response => {
    response.writeHead(200, TEXT);
    const timer = setInterval(() => response.write('s'), 100);
    response.on('close', () => clearInterval(timer));
  },
  headers: response => response.writeHead(200, { ...TEXT, 'x-long': 'x'.repeat(300_000) }).end('a 1\n'),
  silent: () => {},
};

async function served(): Promise<number> {
  const server: Server = createServer((request, response) => PAGES[(request.url ?? '').slice(1)]?.(response));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** In a thread of its own: what this one pours must not delay it. */
async function servedHonestly(): Promise<number> {
  const thread = new Worker(
    `const server = require('node:http').createServer((_, response) =>
       response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end('honest 1\\n'));
     server.listen(0, '127.0.0.1', () =>
       require('node:worker_threads').parentPort.postMessage(server.address().port));`,
    { eval: true },
  );
  opened.push(() => thread.terminate());
  return new Promise(resolve => thread.once('message', resolve));
}

const jobOf = (name: string, port: number): string => `
  - job_name: ${name}
    scrape_interval: ${name === 'honest' ? HONEST : '3s'}
    scrape_timeout: ${name === 'honest' ? HONEST : '2s'}
    metrics_path: /${name}
    static_configs: [{ targets: ['127.0.0.1:${port}'] }]`;

describe('hostile pages', () => {
  it('yield "up 0" with a reason, bounded memory, and no delay for others', {
    timeout: TEST_MS_MAX,
  }, async () => {
    const port = await served();
    const honestPort = await servedHonestly();
    const names = ['honest', ...Object.keys(PAGES)];
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const config = `host: { enabled: false }\nrule_files: []\nscrape_configs:${names.map(name => jobOf(name, name === 'honest' ? honestPort : port)).join('')}\n`;
    const program: Program = await startProgram({
      folder,
      args: ['--config', folder.write('watchkeeper.yml', config)],
    });
    opened.push(program.kill);
    const targets = async (): Promise<ReadonlyMap<string, TargetsData['activeTargets'][number]>> => {
      const { activeTargets } = await program.api<TargetsData>('/api/v1/targets');
      return new Map(activeTargets.map(target => [target.scrapePool, target]));
    };
    // Each of them several times.
    const enough = 'count(count_over_time(up[1m]) >= 4)';
    await until(
      'four scrapes of each',
      async () => {
        const data = await program.api<QueryData>('/api/v1/query', { query: enough });
        return data.resultType === 'vector' && data.result[0]?.value?.[1] === String(names.length);
      },
      {
        withinMs: 90_000,
        seen: async () => [...(await targets())].map(([name, one]) => [name, one.lastError]),
      },
    );
    const found = await targets();
    const errors = Object.fromEntries(
      [...found].map(([name, { health, lastError }]) => [name, `${health} ${lastError}`]),
    );
    expect(errors).toMatchObject({
      honest: 'up ',
      utf8: expect.stringMatching(/^down .*UTF-8/),
      slow: expect.stringMatching(/^down .*2000 ms/),
      silent: expect.stringMatching(/^down .*2000 ms/),
      labels: expect.stringMatching(/^down (?!$)/),
      endless: expect.stringMatching(/^down .*(268435456 bytes|2000 ms)/),
      gigabyte: expect.stringMatching(/^down .*(268435456 bytes|2000 ms)/),
      bomb: expect.stringMatching(/^down .*(268435456 bytes|2000 ms)/),
      headers: expect.stringMatching(/^down (?!$)/),
    });
    const asked = async (query: string): Promise<number> => {
      const data = await program.api<QueryData>('/api/v1/query', { query });
      return data.resultType === 'vector' ? Number(data.result[0]?.value?.[1]) : Number.NaN;
    };
    expect(await asked('sum(max_over_time(up{job!~"honest|watchkeeper"}[1m]))')).toBe(0);
    expect(await asked('min_over_time(up{job="honest"}[1m])')).toBe(1);
    const status = readFileSync(`/proc/${program.pid}/status`, 'utf8');
    const residentMb = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
    expect(residentMb).toBeLessThan(RESIDENT_MB_MAX);
  });
});
