import { expect, it } from 'vitest';
import { prepareSending } from './prepare-sending.ts';

it.each([
  { kinds: [], prepared: [] },
  { kinds: ['email_configs'], prepared: ['mail'] },
  { kinds: ['webhook_configs'], prepared: ['http'] },
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
