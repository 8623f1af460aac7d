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

function prepared(config: Parameters<typeof prepareSending>[1]): readonly string[] {
  const seen: string[] = [];
  const unused = (): never => {
    throw new Error('nothing is sent');
  };
  prepareSending(
    {
      http: { request: unused, prepare: () => void seen.push('http') },
      mail: { send: unused, prepare: () => void seen.push('mail') },
    },
    config,
  );
  return seen;
}

const NOBODY = { alertmanagers: [], alertRelabelRules: [] };

it.each([
  { kinds: [], wanted: [] },
  { kinds: ['email_configs'], wanted: ['mail'] },
  { kinds: ['webhook_configs'], wanted: ['http'] },
  { kinds: ['command_configs', 'sns_configs'], wanted: [] },
  { kinds: ['webhook_configs', 'email_configs'], wanted: ['mail', 'http'] },
])('what receivers with $kinds need is loaded', ({ kinds, wanted }) => {
  const receivers = kinds.map(kind => ({ name: kind, channels: [{ kind, index: 0, settings: {} }] }));
  expect(prepared({ receivers, alerting: NOBODY })).toEqual(wanted);
});

it('a heartbeat and Alertmanagers elsewhere go over HTTP', () => {
  expect(prepared({ receivers: [], heartbeat: {}, alerting: NOBODY })).toEqual(['http']);
  expect(prepared({ receivers: [], alerting: { ...NOBODY, alertmanagers: [SET] } })).toEqual(['http']);
});
