// Delivery by the real program: a program of one's own takes messages, `notify test` shows the provider's answer, and the
// sign of life reaches its URL.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openHttp, runCommand, startProgram, temporaryFolder, until } from './support.ts';

const TEST_MS_MAX = 120_000;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** Writes its arguments, its input and what it was told in its environment; says something. */
const SCRIPT = `
let text = '';
process.stdin.on('data', data => { text += data; });
process.stdin.on('end', () => {
  const told = { args: process.argv.slice(2), test: process.env.WATCHKEEPER_TEST, home: process.env.HOME ?? null, body: JSON.parse(text) };
  require('node:fs').appendFileSync(process.env.OUT, JSON.stringify(told) + '\\n');
  console.log('queued as 17');
});
`;

it(
  'a command takes messages, tests are answered by exit codes, and the heartbeat beats',
  async () => {
    const folder = temporaryFolder();
    opened.push(folder.remove);
    let beaten = 0;
    const beats = await openHttp(() => {
      beaten += 1;
      return { body: 'OK' };
    });
    opened.push(beats.close);
    const chat = await openHttp(() => ({
      type: 'application/json',
      body: '{"ok":false,"error":"channel_not_found"}',
    }));
    opened.push(chat.close);
    const out = join(folder.path, 'out.jsonl');
    const script = folder.write('take.cjs', SCRIPT);
    const config = folder.write(
      'watchkeeper.yml',
      JSON.stringify({
        host: { interval: '1s' },
        heartbeat: { url: `${beats.url}/ping`, interval: '10s' },
        rule_files: ['rules.yml'],
        route: { receiver: 'own', group_by: ['alertname'], group_wait: '1s', group_interval: '5s' },
        receivers: [
          {
            name: 'own',
            command_configs: [
              {
                argv: [process.execPath, script, '--', '{{ .CommonLabels.alertname }}; $(touch x) && "y"'],
                env: { OUT: out },
              },
            ],
          },
          { name: 'chat/slack', slack_configs: [{ api_url: `${chat.url}/hook` }] },
          { name: 'pager', fallback: 'own', pagerduty_configs: [{ routing_key: 'k' }] },
        ],
      }),
    );
    folder.write(
      'rules.yml',
      JSON.stringify({
        groups: [{ name: 'g', interval: '1s', rules: [{ alert: 'Always', expr: 'vector(1)' }] }],
      }),
    );
    const program = await startProgram({ folder, args: ['--config', config] });
    opened.push(program.kill);

    await until('a message at the command', () => existsSync(out), {
      withinMs: 60_000,
      seen: program.output,
    });
    const [first] = readFileSync(out, 'utf8').split('\n');
    expect(JSON.parse(first ?? '')).toMatchObject({
      args: ['--', 'Always; $(touch x) && "y"'],
      test: 'false',
      home: null,
      body: {
        version: '4',
        status: 'firing',
        watchkeeper: { reason: 'first notification', possibleRepeat: false },
      },
    });

    const test = (receiver: string) => runCommand(['notify', 'test', receiver, '--url', program.url]);
    expect(await test('own')).toMatchObject({
      code: 0,
      stdout: 'own/command[0]: exit code 0: queued as 17\n',
    });
    const refused = await test('chat/slack');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('chat/slack/slack[0]: slack: channel_not_found');
    expect((await test('pager')).stderr).toContain('pager/pagerduty[0]: not carried out');
    expect((await test('nobody')).stderr).toContain('it is not configured');
    const tests = readFileSync(out, 'utf8').trim().split('\n').slice(1);
    expect(tests.filter(line => JSON.parse(line).test === 'true')).toHaveLength(1);

    await until('three signs of life', () => beaten >= 3, {
      withinMs: 90_000,
      seen: () => [beaten, program.output().slice(-2000)],
    });
    await program.stop();
  },
  TEST_MS_MAX,
);
