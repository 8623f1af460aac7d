// Names of a real server of DNS on loopback that knows only what it is told.

import { createSocket, type Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { candidatesOf, systemDns } from './dns.ts';

const open: Socket[] = [];
afterEach(async () => {
  await Promise.all(
    open.splice(0).map(socket => new Promise<void>(resolve => socket.close(() => resolve()))),
  );
});

const TYPES: Readonly<Record<string, number>> = { A: 1, NS: 2, MX: 15, AAAA: 28, SRV: 33 };
const REFUSED = 5;
const NO_SUCH_NAME = 3;

const nameBytes = (name: string): number[] => [
  ...name.split('.').flatMap(part => [part.length, ...Buffer.from(part)]),
  0,
];
const u16 = (value: number): number[] => [value >> 8, value & 255];

function readName(message: Buffer): { readonly name: string; readonly end: number } {
  const parts: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    parts.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: parts.join('.'), end: at + 1 };
}

/** By "TYPE name": the data of the records, or a code of failure. */
async function server(known: Readonly<Record<string, readonly (readonly number[])[] | number>>) {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  open.push(socket);
  socket.on('message', (message, from) => {
    const { name, end } = readName(message);
    const type = Object.keys(TYPES).find(one => TYPES[one] === message.readUInt16BE(end)) ?? '';
    asked.push(`${type} ${name}`);
    const found = known[`${type} ${name}`] ?? NO_SUCH_NAME;
    const records = typeof found === 'number' ? [] : found;
    const code = typeof found === 'number' ? found : 0;
    const answer = [
      ...message.subarray(0, 2),
      ...[0x81, 0x80 | code, 0, 1, ...u16(records.length), 0, 0, 0, 0],
      ...message.subarray(12, end + 4),
      ...records.flatMap(data => [
        0xc0,
        12,
        ...u16(TYPES[type] ?? 0),
        ...[0, 1, 0, 0, 0, 60],
        ...u16(data.length),
        ...data,
      ]),
    ];
    socket.send(Uint8Array.from(answer), from.port, from.address);
  });
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  const servers = [`127.0.0.1:${(socket.address() as AddressInfo).port}`];
  return { asked, dns: (resolvConf = '') => systemDns({ servers, resolvConf }) };
}

describe('names of DNS', () => {
  it.each([
    ['A', [10, 0, 0, 1], { name: '10.0.0.1' }],
    ['AAAA', [0xfd, ...Array(14).fill(0), 1], { name: 'fd00::1' }],
    [
      'SRV',
      [...u16(1), ...u16(2), ...u16(9100), ...nameBytes('h.example.org')],
      { name: 'h.example.org', port: 9100 },
    ],
    ['MX', [...u16(10), ...nameBytes('m.example.org')], { name: 'm.example.org' }],
    ['NS', nameBytes('n.example.org'), { name: 'n.example.org' }],
  ] as const)('are answered with their %s records', async (type, data, record) => {
    const { dns } = await server({ [`${type} x.example.org`]: [data] });
    expect(await dns().resolve('x.example.org', type)).toEqual({ ok: true, value: [record] });
    expect(await dns().resolve('x.example.org.', type)).toEqual({ ok: true, value: [record] });
  });

  it('that do not exist have none; a server that refuses is a failure', async () => {
    const { dns } = await server({ 'A broken.example.org': REFUSED });
    expect(await dns().resolve('none.example.org', 'A')).toEqual({ ok: true, value: [] });
    expect(await dns().resolve('broken.example.org', 'A')).toEqual({
      ok: false,
      error: { code: 'dns-failed', message: 'Cannot look up "broken.example.org": EREFUSED' },
    });
  });

  it('that are short are tried with the search domains', async () => {
    const { dns, asked } = await server({ 'A web.two.example.org': [[10, 0, 0, 2]] });
    const conf = 'nameserver 10.0.0.53\nsearch one.example.org two.example.org.\noptions ndots:1\n';
    expect(await dns(conf).resolve('web', 'A')).toEqual({ ok: true, value: [{ name: '10.0.0.2' }] });
    expect(asked).toEqual(['A web.one.example.org', 'A web.two.example.org']);
  });

  it.each([
    ['a', 'search x y', ['a.x', 'a.y', 'a']],
    ['a.b', 'search x', ['a.b', 'a.b.x']],
    ['a.b', 'search x\noptions timeout:1 ndots:3', ['a.b.x', 'a.b']],
    ['a.', 'search x', ['a']],
    ['a', '', ['a']],
    ['a', 'domain d.', ['a.d', 'a']],
  ])('"%s" with %j are asked for as %j', (name, conf, expected) => {
    expect(candidatesOf(name, conf)).toEqual(expected);
  });
});
