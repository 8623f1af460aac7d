// Debian's Prometheus beside the real program: started on a free port of loopback, ended by its process.

import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Folder, until } from '../e2e/support.ts';

const BINARY = 'prometheus';
const isPresent = spawnSync(BINARY, ['--version'], { stdio: 'ignore' }).status === 0;

/** In CI it must be there. */
export const isSkipped = !isPresent && process.env['CI'] !== 'true';
export const PEER_NAME = `beside ${BINARY}${isPresent ? '' : ' (not installed)'}`;

export interface Peer {
  readonly url: string;
  stop(): Promise<void>;
}

/** `configOf` gets the port that it listens on. */
export async function startPrometheus(
  folder: Folder,
  configOf: (port: number) => string,
  args: readonly string[] = [],
): Promise<Peer> {
  const port = await freePort();
  return startPrometheusAt(port, { folder, config: configOf(port), args });
}

/** On a port that it has had before, with the data of then. */
export async function startPrometheusAt(
  port: number,
  {
    folder,
    config,
    args,
  }: { readonly folder: Folder; readonly config: string; readonly args: readonly string[] },
): Promise<Peer> {
  const child = spawn(
    BINARY,
    [
      `--config.file=${folder.write('prometheus.yml', config)}`,
      `--storage.tsdb.path=${join(folder.path, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
      ...args,
    ],
    { stdio: 'ignore' },
  );
  const closed = new Promise<void>(resolve => child.on('close', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await closed;
  };
  await until('Prometheus is ready', async () => {
    if (child.exitCode !== null) throw new Error(`Prometheus ended with ${child.exitCode}`);
    const response = await fetch(`${url}/-/ready`).catch(() => undefined);
    return response?.status === 200;
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { url, stop };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
