// Debian's amtool asks and changes the real program: alerts, silences, configuration, cluster.

import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GettableAlertJson, GettableSilenceJson } from '../../src/api/index.ts';
import { type Folder, type Program, startProgram, temporaryFolder, until } from '../e2e/support.ts';

const BINARY = 'amtool';
const isPresent = spawnSync(BINARY, ['--version'], { stdio: 'ignore' }).status === 0;
/** In CI it must be there. */
const isSkipped = !isPresent && process.env['CI'] !== 'true';
const TEST_MS_MAX = 120_000;

const run = promisify(execFile);

const CONFIG = `host: { enabled: false }
rule_files: []
route:
  receiver: team
  group_by: [alertname]
  group_wait: 1ms
  routes:
    - matchers: [severity="critical"]
      receiver: pager
      notify: after_recovery_failed
receivers:
  - name: team
    webhook_configs: [{ url: 'http://127.0.0.1:1/hunter2' }]
  - name: pager
    email_configs:
      - { to: a@example.org, from: b@example.org, smarthost: 'localhost:1', auth_password: hunter2 }
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: [alertname]
`;

describe.skipIf(isSkipped)(`beside ${BINARY}${isPresent ? '' : ' (not installed)'}`, () => {
  let folder: Folder;
  let program: Program;

  const amtool = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run(BINARY, [`--alertmanager.url=${program.url}`, ...args]);
    return stdout;
  };
  const alerts = async (...args: readonly string[]): Promise<readonly GettableAlertJson[]> =>
    JSON.parse(await amtool('alert', 'query', ...args, '-o', 'json')) as GettableAlertJson[];
  const silences = async (...args: readonly string[]): Promise<readonly GettableSilenceJson[]> =>
    JSON.parse(await amtool('silence', 'query', ...args, '-o', 'json')) as GettableSilenceJson[];
  const namesOf = async (...args: readonly string[]): Promise<readonly string[]> =>
    (await alerts(...args)).map(({ labels }) => `${labels['alertname']} ${labels['instance'] ?? ''}`).sort();
  const addSilence = async (...args: readonly string[]): Promise<string> =>
    (await amtool('silence', 'add', '--author=ann', '--comment=at work', ...args)).trim();

  beforeAll(async () => {
    folder = temporaryFolder();
    const config = folder.write('watchkeeper.yml', CONFIG);
    program = await startProgram({ folder, args: ['--config', config] });
  }, TEST_MS_MAX);
  afterAll(async () => {
    await program?.kill();
    folder?.remove();
  });

  it('alert add and alert query', { timeout: TEST_MS_MAX }, async () => {
    await amtool(
      'alert',
      'add',
      'Down',
      'instance=a',
      'severity=critical',
      '--annotation=summary=it is down',
    );
    await amtool('alert', 'add', 'Down', 'instance=b', 'severity=warning');
    const ends = new Date(Date.now() + 3_600_000).toISOString();
    await amtool('alert', 'add', 'alertname=Slow', '--generator-url=http://p/x', `--end=${ends}`);
    expect(await namesOf()).toEqual(['Down a', 'Slow ']);
    expect(await namesOf('-i')).toEqual(['Down b']);
    expect(await namesOf('-r', 'page.*', '-a')).toEqual(['Down a']);
    expect(await namesOf('-a', 'instance=~a|b')).toEqual(['Down a']);
    const [down] = await alerts('Down', 'instance=a');
    expect(down).toMatchObject({
      annotations: { summary: 'it is down' },
      receivers: [{ name: 'pager' }],
      status: { state: 'active' },
    });
    const [slow] = await alerts('Slow');
    expect(slow).toMatchObject({ generatorURL: 'http://p/x', endsAt: ends });
    const table = await amtool('alert', 'query', '-a', '-i', '-o', 'extended');
    expect(table.split('\n').filter(line => line !== '')).toHaveLength(4);
    expect(table).toMatch(/alertname="Down" instance="b" severity="warning".*suppressed/);
    // An end that is over resolves it.
    await amtool(
      'alert',
      'add',
      'Slow',
      `--end=${new Date(Date.now() - 1000).toISOString()}`,
      `--start=${new Date(Date.now() - 2000).toISOString()}`,
    );
    await until('Slow is over', async () => (await alerts('Slow')).length === 0);
  });

  it('silence add, query, update, import, expire', { timeout: TEST_MS_MAX }, async () => {
    await amtool('alert', 'add', 'Loud', 'env=test');
    const id = await addSilence('Loud', 'env=~t.*', '--duration=2h');
    expect(id).toMatch(/^[\da-f-]{36}$/);
    await until('it is silenced', async () => (await namesOf('Loud')).length === 0);
    expect((await alerts('-s', 'Loud'))[0]?.status).toMatchObject({ state: 'suppressed', silencedBy: [id] });
    const [silence] = await silences('Loud');
    expect(silence).toMatchObject({
      id,
      comment: 'at work',
      createdBy: 'ann',
      matchers: [
        { name: 'alertname', value: 'Loud', isRegex: false, isEqual: true },
        { name: 'env', value: 't.*', isRegex: true, isEqual: true },
      ],
    });
    await amtool('silence', 'update', '--duration=5h', '--comment=longer', id);
    const updated = (await silences()).filter(({ comment }) => comment === 'longer');
    expect(updated.map(one => one.id)).toEqual([id]);
    expect(Date.parse(updated[0]?.endsAt ?? '')).toBeGreaterThan(Date.now() + 4 * 3_600_000);
    expect(await silences('--within=1h')).toEqual([]);

    const file = folder.write('silences.json', JSON.stringify(await silences()));
    await amtool('silence', 'expire', id);
    expect(await silences()).toEqual([]);
    expect((await silences('--expired')).map(one => one.id)).toEqual([id]);
    await until('it is loud again', async () => (await namesOf('Loud')).length === 1);
    await amtool('silence', 'import', file);
    await amtool('silence', 'import', '--force', file);
    const imported = await silences();
    expect(imported.map(({ comment }) => comment)).toEqual(['longer', 'longer']);
    await amtool('silence', 'expire', ...(await amtool('silence', 'query', '-q')).trim().split('\n'));
    expect(await silences()).toEqual([]);
  });

  it('says what is refused', { timeout: TEST_MS_MAX }, async () => {
    const past = new Date(Date.now() - 3_600_000).toISOString();
    const early = new Date(Date.now() - 7_200_000).toISOString();
    await expect(addSilence('x=y', `--start=${early}`, `--end=${past}`)).rejects.toThrow(/past/);
    await expect(addSilence('x=~.*')).rejects.toThrow(/empty string/);
  });

  it('a silence outlives a kill right after its id was printed', { timeout: TEST_MS_MAX }, async () => {
    const id = await addSilence('Kept');
    await program.kill();
    program = await startProgram({ folder, args: ['--config', `${folder.path}/watchkeeper.yml`] });
    expect((await silences('Kept')).map(one => one.id)).toEqual([id]);
  });

  it('config show, config routes and cluster show', { timeout: TEST_MS_MAX }, async () => {
    const shown = await amtool('config', 'show');
    expect(shown).toContain('auth_password: <secret>');
    expect(shown).not.toContain('hunter2');
    // What is shown is an alertmanager.yml: it is read again, without the keys that are ours.
    expect(shown).not.toContain('after_recovery_failed');
    const file = folder.write('shown.yml', shown);
    expect((await run(BINARY, ['check-config', file])).stdout).toContain('SUCCESS');
    expect(await amtool('config', 'routes', 'test', 'severity=critical')).toContain('pager');
    expect(await amtool('config', 'routes', 'show')).toContain('{severity="critical"}  receiver: pager');
    expect(await amtool('cluster', 'show')).toMatch(/Cluster Status: +disabled/);
  });
});
