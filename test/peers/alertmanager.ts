// Debian's Alertmanager beside the real program: started on a free port of loopback, ended by its process.

import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type Folder, until } from '../e2e/support.ts';
import { freePort, type Peer } from './prometheus.ts';

const BINARY = 'prometheus-alertmanager';

export const hasAlertmanager = spawnSync(BINARY, ['--version'], { stdio: 'ignore' }).status === 0;

export async function startAlertmanager(folder: Folder, configFile: string): Promise<Peer> {
  const port = await freePort();
  const child = spawn(
    BINARY,
    [
      `--config.file=${configFile}`,
      `--storage.path=${join(folder.path, 'alertmanager')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  );
  const closed = new Promise<void>(resolve => child.on('close', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await closed;
  };
  await until('Alertmanager is ready', async () => {
    if (child.exitCode !== null) throw new Error(`Alertmanager ended with ${child.exitCode}`);
    const response = await fetch(`${url}/-/ready`).catch(() => undefined);
    return response?.status === 200;
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { url, stop };
}
