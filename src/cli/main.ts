// The command's entry: the one place that reads the process's arguments, environment and signals.

import { VERSION } from '../app/index.ts';
import { httpClient, systemClock, systemDisk } from '../os/index.ts';
import { alertsCommand } from './alerts.ts';
import { checkCommand } from './check.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { deliveriesCommand } from './deliveries.ts';
import { demoCommand } from './demo.ts';
import { explainCommand } from './explain.ts';
import { importCommand } from './import.ts';
import { notifyCommand } from './notify.ts';
import { queryCommand } from './query.ts';
import { rulesCommand } from './rules.ts';
import { runCommand } from './run.ts';
import { shadowCommand } from './shadow.ts';
import { silenceCommand } from './silence.ts';
import { storageCommand } from './storage.ts';
import { testCommand } from './test.ts';

const COMMANDS: readonly Command[] = [
  runCommand,
  checkCommand,
  testCommand,
  queryCommand,
  alertsCommand,
  silenceCommand,
  explainCommand,
  notifyCommand,
  deliveriesCommand,
  shadowCommand,
  storageCommand,
  importCommand,
  rulesCommand,
  demoCommand,
];

const HELP = `Watchkeeper ${VERSION}: monitors, alerts and recovers.

usage: watchkeeper COMMAND [OPTIONS]

${COMMANDS.map(command => `  ${command.name.padEnd(12)}${command.says}`).join('\n')}

watchkeeper COMMAND --help says more. Exit codes: 0 fine, 1 problems found, 2 wrong usage.
`;

// Who reads our output may have seen enough ("… | head -1"): the rest is for nobody, and no reason to fall over.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

// Not awaited: the built program is a script (tools/prepare.mjs says why). What nobody caught ends the process either way.
void main(process.argv.slice(2)).then(code => {
  process.exitCode = code;
});

async function main(argv: readonly string[]): Promise<ExitCode> {
  const [name, ...args] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(HELP);
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === 'version') {
    process.stdout.write(`watchkeeper ${VERSION}\n`);
    return 0;
  }
  const command = COMMANDS.find(candidate => candidate.name === name);
  if (command === undefined) {
    process.stderr.write(`watchkeeper: no command "${name}"\n\n${HELP}`);
    return 2;
  }
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(command.helpOf?.(args) ?? command.help);
    return 0;
  }
  const context = contextFor(args);
  try {
    return await command.run(context);
  } finally {
    await context.http.close();
  }
}

function contextFor(
  args: readonly string[],
): CommandContext & { readonly http: ReturnType<typeof httpClient> } {
  return {
    args,
    env: process.env,
    cwd: process.cwd(),
    clock: systemClock(),
    disk: systemDisk(),
    http: httpClient(process.env),
    isTerminal: process.stdout.isTTY === true,
    // A terminal that was never told its size has none.
    columns: process.stdout.columns || 80,
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    out: text => void process.stdout.write(text),
    warn: text => void process.stderr.write(text),
    whenAskedToEnd: () =>
      new Promise(resolve => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
      }),
    onHangUp: reload => void process.on('SIGHUP', reload),
  };
}
