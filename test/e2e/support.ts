// The real program as a child process for tests: started on a free port, asked over its API, stopped by its own id.
// Also what stands around it: a folder of its own, a mailbox, a webhook receiver, a page to scrape. Every wait has an end.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Failure, Success } from '../../src/api/index.ts';
import { type MailSink, openMailSink, type SunkMail } from '../../src/os/index.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = join(ROOT, 'bin', 'watchkeeper');

/** Start-up takes under a second on an idle machine; tests run beside other work. */
const START_MS_MAX = 30_000;
const STOP_MS_MAX = 20_000;
const ASK_MS_MAX = 15_000;
const LOOK_EVERY_MS = 50;

// --- folders ---------------------------------------------------------------------------------------

export interface Folder {
  readonly path: string;
  write(name: string, text: string): string;
  remove(): void;
}

export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'watchkeeper-test-'));
  return {
    path,
    write(name, text) {
      const file = join(path, name);
      writeFileSync(file, text);
      return file;
    },
    remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}

// --- waiting ---------------------------------------------------------------------------------------

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** Asks again until the answer is there; says what was awaited, and what was seen last, when it never came. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  options: { readonly withinMs?: number; readonly seen?: () => unknown } = {},
): Promise<T> {
  const withinMs = options.withinMs ?? 20_000;
  const endMs = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > endMs) {
      const seen = options.seen === undefined ? '' : `; last seen: ${JSON.stringify(await options.seen())}`;
      throw new Error(`Waited ${withinMs} ms in vain for: ${what}${seen}`);
    }
    await pause(LOOK_EVERY_MS);
  }
}

// --- the program -----------------------------------------------------------------------------------

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

/** Runs a command to its end. */
export function runCommand(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly withinMs?: number } = {},
): Promise<Ended> {
  assertBuilt();
  const startedMs = performance.now();
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = collectOutput(child);
  return new Promise((resolve, reject) => {
    const withinMs = options.withinMs ?? START_MS_MAX;
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`"watchkeeper ${args.join(' ')}" did not end within ${withinMs} ms:\n${texts.all()}`));
    }, withinMs);
    // "close" rather than "exit": only then all output is here.
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({
        code,
        signal,
        stdout: texts.stdout,
        stderr: texts.stderr,
        tookMs: performance.now() - startedMs,
      });
    });
  });
}

interface Texts {
  stdout: string;
  stderr: string;
  all(): string;
}

function collectOutput(child: ChildProcess): Texts {
  const texts: Texts = { stdout: '', stderr: '', all: () => `${texts.stdout}\n${texts.stderr}` };
  child.stdout?.on('data', (data: Buffer) => {
    texts.stdout += data.toString();
  });
  child.stderr?.on('data', (data: Buffer) => {
    texts.stderr += data.toString();
  });
  return texts;
}

function assertBuilt(): void {
  if (!existsSync(join(ROOT, 'dist', 'cli', 'main.cjs')))
    throw new Error('These tests run the built program: run "npm run build" first ("npm test" does)');
}

export interface Program {
  readonly url: string;
  readonly pid: number;
  /** Output so far: stdout is the greeting, stderr the log. */
  output(): string;
  /** A request to the running program; `path` begins with a slash. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** The data of a successful answer of the API; a refusal is an error. */
  api<T>(path: string, params?: Readonly<Record<string, string>>): Promise<T>;
  signal(signal: NodeJS.Signals): void;
  /** Waits for the end of a process that was told to end, or that ends by itself. */
  ended(): Promise<Ended>;
  /** SIGTERM, and the end. */
  stop(): Promise<Ended>;
  /** SIGKILL, and the end. */
  kill(): Promise<Ended>;
}

export interface StartOptions {
  readonly folder: Folder;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly headers?: Readonly<Record<string, string>>;
  /** Asks whether it is ready, where that takes more than a plain request. */
  readonly isReady?: (url: string) => Promise<boolean>;
}

/** `watchkeeper run` on a free port of loopback, ready. */
export async function startProgram(options: StartOptions): Promise<Program> {
  const startedMs = performance.now();
  const child = launch(options);
  const texts = collectOutput(child);
  let end: Ended | undefined;
  child.on('close', (code, signal) => {
    end = {
      code,
      signal,
      stdout: texts.stdout,
      stderr: texts.stderr,
      tookMs: performance.now() - startedMs,
    };
  });
  const url = await until(
    'the greeting with the address',
    () => {
      if (end !== undefined) throw new Error(`The program ended instead of starting:\n${texts.all()}`);
      return /page +(https?:\/\/\S+)/.exec(texts.stdout)?.[1];
    },
    { withinMs: START_MS_MAX, seen: () => texts.all() },
  );
  const ended = (): Promise<Ended> =>
    until('the end of the program', () => end, { withinMs: STOP_MS_MAX, seen: () => texts.all() }).catch(
      error => {
        child.kill('SIGKILL');
        throw error;
      },
    );
  const program: Program = {
    url,
    pid: child.pid ?? 0,
    output: () => texts.all(),
    fetch: (path, init = {}) =>
      fetch(`${url}${path}`, {
        signal: AbortSignal.timeout(ASK_MS_MAX),
        ...init,
        headers: { ...options.headers, ...(init.headers as Record<string, string> | undefined) },
      }),
    async api<T>(path: string, params: Readonly<Record<string, string>> = {}): Promise<T> {
      const query = new URLSearchParams(params).toString();
      const response = await program.fetch(`${path}${query === '' ? '' : `?${query}`}`);
      // Our own API answers with this envelope, whatever the status.
      const body = (await response.json()) as Success<T> | Failure;
      if (body.status !== 'success') throw new Error(`${path} answered ${response.status}: ${body.error}`);
      return body.data;
    },
    signal: signal => void child.kill(signal),
    ended,
    stop() {
      if (end === undefined) child.kill('SIGTERM');
      return ended();
    },
    kill() {
      if (end === undefined) child.kill('SIGKILL');
      return ended();
    },
  };
  const isReady = options.isReady ?? (() => program.fetch('/-/ready').then(response => response.ok));
  await until('/-/ready', () => isReady(url), {
    withinMs: START_MS_MAX,
    seen: () => texts.all(),
  });
  return program;
}

/** Starts the program and kills it so long afterwards, ready or not. */
export async function startAndKill(options: StartOptions, afterMs: number): Promise<void> {
  const child = launch(options);
  const closed = new Promise(resolve => child.on('close', resolve));
  await pause(afterMs);
  child.kill('SIGKILL');
  await closed;
}

function launch(options: StartOptions): ChildProcess {
  assertBuilt();
  const args = ['run', '--listen', '127.0.0.1:0', '--data', join(options.folder.path, 'data')];
  return spawn(process.execPath, [PROGRAM, ...args, ...(options.args ?? [])], {
    cwd: options.folder.path,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

// --- what stands around it -------------------------------------------------------------------------

export interface Mailbox {
  readonly port: number;
  /** Messages to an address, oldest first, decoded. */
  to(address: string): readonly Letter[];
  close(): Promise<void>;
}

export interface Letter {
  readonly atMs: number;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
}

/** A real SMTP server on a free port that keeps what it receives. */
export async function openMailbox(): Promise<Mailbox> {
  const letters: Letter[] = [];
  const sink = await openMailSink({ port: 0, onMail: mail => void letters.push(letterOf(mail)) });
  if (!sink.ok) throw new Error(sink.error);
  const { port, close }: MailSink = sink.value;
  return { port, close, to: address => letters.filter(letter => letter.to.includes(address)) };
}

function letterOf(mail: SunkMail): Letter {
  const unfolded = mail.raw.replace(/\r?\n[ \t]+/g, ' ');
  const subject = (/^Subject: (.*)$/im.exec(unfolded)?.[1] ?? '').trim();
  return {
    atMs: Date.now(),
    to: mail.to,
    subject: decodeWords(subject),
    text: decodeQuotedPrintable(mail.raw),
  };
}

/** RFC 2047 words, as far as our own program writes them. */
function decodeWords(text: string): string {
  return text
    .replace(/\?= =\?/g, '?==?')
    .replace(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(word, 'base64').toString('utf8')
        : decodeQuotedPrintable(word.replaceAll('_', ' ')),
    );
}

function decodeQuotedPrintable(text: string): string {
  const joined = text.replace(/=\r?\n/g, '');
  return joined.replace(/(=[\dA-F]{2})+/g, run =>
    Buffer.from(run.replaceAll('=', ''), 'hex').toString('utf8'),
  );
}

export interface HttpSink {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** An HTTP server on a free port of loopback. */
export async function openHttp(
  answer: (request: {
    readonly path: string;
    readonly headers: Readonly<Record<string, string | string[] | undefined>>;
    readonly body: string;
  }) => {
    readonly status?: number;
    readonly body: string;
    readonly type?: string;
    readonly afterMs?: number;
  },
  settings: { readonly port?: number } = {},
): Promise<HttpSink> {
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (data: Buffer) => {
      body += data.toString();
    });
    request.on('end', () => {
      const said = answer({ path: request.url ?? '', headers: request.headers, body });
      setTimeout(() => {
        response.writeHead(said.status ?? 200, { 'content-type': said.type ?? 'text/plain' });
        response.end(said.body);
      }, said.afterMs ?? 0);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A page in the text format, with the gauges as they are when it is asked for. */
export function openPage(
  gauges: () => Readonly<Record<string, number>>,
  settings: { readonly port?: number } = {},
): Promise<HttpSink> {
  const lines = () => Object.entries(gauges()).map(([name, value]) => `${name} ${value}\n`);
  return openHttp(() => ({ type: 'text/plain; version=0.0.4', body: lines().join('') }), settings);
}
