import { expect, it } from 'vitest';
import { prepareSending } from './prepare-sending.ts';

it.each([
  { kinds: [], prepared: [] },
  { kinds: ['email_configs'], prepared: ['mail'] },
  { kinds: ['webhook_configs'], prepared: ['http'] },
  { kinds: ['command_configs', 'sns_configs'], prepared: [] },
  { kinds: ['webhook_configs', 'email_configs'], prepared: ['mail', 'http'] },
])('what receivers with $kinds need is loaded', ({ kinds, prepared }) => {
  const seen: string[] = [];
  const unused = (): never => {
    throw new Error('nothing is sent');
  };
  const ports = {
    http: { request: unused, prepare: () => void seen.push('http') },
    mail: { send: unused, prepare: () => void seen.push('mail') },
  };
  const receivers = kinds.map(kind => ({ name: kind, channels: [{ kind, index: 0, settings: {} }] }));
  prepareSending(ports, { receivers });
  expect(seen).toEqual(prepared);
});

it('a heartbeat goes over HTTP', () => {
  const seen: string[] = [];
  const http = {
    request: () => Promise.reject(new Error('nothing is sent')),
    prepare: () => void seen.push('http'),
  };
  const mail = { send: () => Promise.reject(new Error('nothing is sent')) };
  prepareSending({ http, mail }, { receivers: [], heartbeat: {} });
  expect(seen).toEqual(['http']);
});
