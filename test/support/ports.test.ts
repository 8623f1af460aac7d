// The fakes of clock, http, exec and mail pass the contracts that the real ones pass.

import { describe, expect, it } from 'vitest';
import { FakeClock } from './clock.ts';
import { clockContract } from './contracts/clock.ts';
import { execContract } from './contracts/exec.ts';
import { httpContract } from './contracts/http.ts';
import { mailContract } from './contracts/mail.ts';
import { FakeExec } from './exec.ts';
import { FakeHttp, FakeHttpServer } from './http.ts';
import { FakeMail } from './mail.ts';

clockContract('fake', () => {
  const clock = new FakeClock();
  return { clock, pass: ms => clock.advance(ms) };
});

httpContract('fake', async () => {
  const clock = new FakeClock();
  const server = new FakeHttpServer();
  return {
    http: new FakeHttp(clock, server),
    server,
    pass: ms => clock.advance(ms),
    close: async () => {},
  };
});

execContract('fake', async () => {
  const clock = new FakeClock();
  const exec = new FakeExec(clock).on('/bin/fake', ({ argv }) => {
    const { endless, ...answer } = JSON.parse(argv[1] ?? '{}');
    return endless === true ? { ...answer, durationMs: Number.POSITIVE_INFINITY } : answer;
  });
  return {
    exec,
    argv: wanted => ['/bin/fake', JSON.stringify(wanted)],
    pass: ms => clock.advance(ms),
    close: async () => {},
  };
});

mailContract('fake', async () => {
  const mail = new FakeMail();
  return {
    mail,
    server: { host: 'localhost', port: 25, security: 'none' },
    accepted: () => mail.sent.map(message => message.subject),
    refuseNext: how =>
      how === 'for-now' ? mail.failNext('mail-temporary', 451) : mail.failNext('mail-rejected', 550),
    close: async () => {},
  };
});

describe('the fake http client', () => {
  it('answers by the longest prefix, records requests, and takes its time on the clock', async () => {
    const clock = new FakeClock();
    const http = new FakeHttp(clock)
      .on('http://a/', { body: 'a', latencyMs: 50 })
      .on('http://a/b', { error: 'http-tls' });
    const request = { method: 'GET', headers: {}, timeoutMs: 100, bodyBytesMax: 10 };
    let answered = false;
    const pending = http.request({ ...request, url: 'http://a/x' }).then(result => {
      answered = true;
      return result;
    });
    await clock.advance(49);
    expect(answered).toBe(false);
    await clock.advance(1);
    expect(await pending).toMatchObject({ ok: true, value: { status: 200, wireBytes: 1 } });
    expect(await http.request({ ...request, url: 'http://a/b/c' })).toMatchObject({
      ok: false,
      error: { code: 'http-tls' },
    });
    expect(http.requests.map(one => one.url)).toEqual(['http://a/x', 'http://a/b/c']);
  });
});
