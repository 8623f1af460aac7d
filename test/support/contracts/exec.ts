// What every Exec must do. A peer says how to run a command that behaves in a wanted way.

import { afterEach, describe, expect, it } from 'vitest';
import type { Exec, ExecError, ExecRequest, ExecResult, Result } from '../../../src/base/index.ts';

export interface WantedCommand {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exitCode?: number;
  /** Goes on until it is killed. */
  readonly endless?: boolean;
}

export interface ExecPeer {
  readonly exec: Exec;
  argv(wanted: WantedCommand): readonly [string, ...string[]];
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

export function execContract(name: string, make: () => Promise<ExecPeer>): void {
  describe(`exec contract: ${name}`, () => {
    let open: ExecPeer[] = [];
    const start = async () => {
      const peer = await make();
      open.push(peer);
      return {
        peer,
        run: (wanted: WantedCommand, change: Partial<ExecRequest> = {}, signal?: AbortSignal) =>
          peer.exec.run({ ...request(peer.argv(wanted)), ...change }, signal),
      };
    };
    afterEach(async () => {
      for (const peer of open.splice(0)) await peer.close();
      open = [];
    });

    it('answers output of both kinds and the exit code', async () => {
      const { run } = await start();
      const result = got(await run({ stdout: 'out\n', stderr: 'err\n', exitCode: 3 }));
      expect(text(result.stdout)).toBe('out\n');
      expect(text(result.stderr)).toBe('err\n');
      expect(result).toMatchObject({ exitCode: 3, timedOut: false, truncated: false });
      expect(result.signal).toBeUndefined();
      expect(result.durationMs).toBeGreaterThanOrEqual(0);
    });

    it('keeps output up to the limit and says that it cut', async () => {
      const { run } = await start();
      const result = got(await run({ stdout: 'x'.repeat(5000), stderr: 'short' }, { outputBytesMax: 100 }));
      expect(text(result.stdout)).toBe('x'.repeat(100));
      expect(text(result.stderr)).toBe('short');
      expect(result).toMatchObject({ exitCode: 0, truncated: true });
      expect(got(await run({ stdout: 'x'.repeat(100) }, { outputBytesMax: 100 })).truncated).toBe(false);
    });

    it('kills what runs beyond its time', async () => {
      const { peer, run } = await start();
      const pending = run({ endless: true }, { timeoutMs: 100 });
      await peer.pass(400);
      const result = got(await pending);
      expect(result.timedOut).toBe(true);
      expect(result.exitCode).toBeUndefined();
      expect(result.signal).toMatch(/SIGTERM|SIGKILL/);
    });

    it('answers exec-not-found for a program that does not exist', async () => {
      const { peer } = await start();
      expect(codeOf(await peer.exec.run(request(['/nonexistent/program'])))).toBe('exec-not-found');
    });

    it('answers exec-aborted when given up, before or while it runs', async () => {
      const { peer, run } = await start();
      expect(codeOf(await run({}, {}, AbortSignal.abort()))).toBe('exec-aborted');
      const caller = new AbortController();
      const pending = run({ endless: true }, {}, caller.signal);
      await peer.pass(50);
      caller.abort();
      await peer.pass(400);
      expect(codeOf(await pending)).toBe('exec-aborted');
    });

    it('runs many at once', async () => {
      const { run } = await start();
      const results = await Promise.all(Array.from({ length: 10 }, (_, i) => run({ stdout: `${i}` })));
      expect(results.map(result => text(got(result).stdout))).toEqual([...'0123456789']);
    });
  });
}

function request(argv: readonly [string, ...string[]]): ExecRequest {
  return { argv, env: {}, timeoutMs: 10_000, killGraceMs: 200, outputBytesMax: 100_000 };
}

function got(result: Result<ExecResult, ExecError>): ExecResult {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}

function codeOf(result: Result<unknown, ExecError>): string {
  return result.ok ? 'ok' : result.error.code;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
