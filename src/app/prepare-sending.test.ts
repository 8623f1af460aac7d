import { expect, it } from 'vitest';
import type { AlertmanagerSet } from '../config/index.ts';
import { prepareSending } from './prepare-sending.ts';

const SET: AlertmanagerSet = {
  scheme: 'http',
  pathPrefix: '',
  timeoutMs: 10_000,
  http: { followRedirects: true, enableHttp2: true, headers: new Map() },
  discovery: [],
  relabelRules: [],
  alertRelabelRules: [],
};

it.each([
  { kinds: [], sets: [], prepared: [] },
  { kinds: ['email_configs'], sets: [], prepared: ['mail'] },
  { kinds: ['webhook_configs'], sets: [], prepared: ['http'] },
  { kinds: ['webhook_configs', 'email_configs'], sets: [], prepared: ['mail', 'http'] },
  { kinds: [], sets: [SET], prepared: ['http'] },
])(
  'what receivers with $kinds and $sets.length sets of Alertmanagers need is loaded',
  ({ kinds, sets, prepared }) => {
    const seen: string[] = [];
    const unused = (): never => {
      throw new Error('nothing is sent');
    };
    const ports = {
      http: { request: unused, prepare: () => void seen.push('http') },
      mail: { send: unused, prepare: () => void seen.push('mail') },
    };
    const receivers = kinds.map(kind => ({ name: kind, channels: [{ kind, index: 0, settings: {} }] }));
    prepareSending(ports, { receivers, alerting: { alertmanagers: sets, alertRelabelRules: [] } });
    expect(seen).toEqual(prepared);
  },
);
