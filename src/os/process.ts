// This process as cli/ sees it: arguments, environment, output, signals, exit.

import { hostname } from 'node:os';

export interface ThisProcess {
  /** Without node and the script. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly platform: string;
  readonly nodeVersion: string;
  readonly hostname: () => string;
  /** Of the terminal, or undefined when stdout is none. */
  readonly columns: () => number | undefined;
  stdout(text: string): void;
  stderr(text: string): void;
  /** `act` is called at each signal; what is returned takes the handler away. */
  onSignal(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', act: () => void): () => void;
  /** Tells of errors that nobody caught: bugs. The process should end after it. */
  onUncaught(act: (error: unknown) => void): void;
  residentBytes(): number;
  /** Sets the exit code and lets the process end by itself. */
  setExitCode(code: number): void;
  exit(code: number): never;
}

export function thisProcess(): ThisProcess {
  return {
    args: process.argv.slice(2),
    env: process.env,
    pid: process.pid,
    platform: process.platform,
    nodeVersion: process.version,
    hostname: () => hostname(),
    columns: () => process.stdout.columns,
    stdout: text => void process.stdout.write(text),
    stderr: text => void process.stderr.write(text),
    onSignal: (signal, act) => {
      process.on(signal, act);
      return () => void process.off(signal, act);
    },
    onUncaught: act => {
      process.on('uncaughtException', act);
      process.on('unhandledRejection', act);
    },
    residentBytes: () => process.memoryUsage.rss(),
    setExitCode: code => {
      process.exitCode = code;
    },
    exit: code => process.exit(code),
  };
}
