// A Debian program with an API, as a process beside the real program: whether it is installed, its start, its end.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { until } from '../e2e/support.ts';

export interface Presence {
  /** It is not installed, and this is not CI, where it must be. */
  readonly isSkipped: boolean;
  /** For the title of a suite: says what is missing. */
  readonly peerName: string;
}

export function lookFor(program: string): Presence {
  const isPresent = spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
  return {
    isSkipped: !isPresent && process.env['CI'] !== 'true',
    peerName: `beside ${program}${isPresent ? '' : ' (not installed)'}`,
  };
}

export interface Peer {
  readonly url: string;
  stop(): Promise<void>;
}

export interface PeerProcess extends Peer {
  readonly child: ChildProcess;
}

/** Comes back once it answers at `url`, which its arguments make it listen on. */
export async function startPeer(
  program: string,
  { args, url }: { readonly args: readonly string[]; readonly url: string },
): Promise<PeerProcess> {
  const child = spawn(program, args, { stdio: 'ignore' });
  const closed = new Promise<void>(resolve => child.on('close', () => resolve()));
  const stop = async (): Promise<void> => {
    // One that stands still does not hear that it is to end.
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    await closed;
  };
  await until(`${program} is ready`, async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    const response = await fetch(`${url}/-/ready`).catch(() => undefined);
    return response?.status === 200;
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { url, stop, child };
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
