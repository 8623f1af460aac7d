// The demo's victim: a tiny HTTP service with a metrics page. A program of its own, so that it can be killed.
//   node victim.js serve PORT PIDFILE        serves until it is killed
//   node victim.js start PORT PIDFILE        starts "serve" in the background, waits until it answers, and ends

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A service that does not answer within this time has not started. */
const START_MS_MAX = 5000;
const LOOK_EVERY_MS = 50;

const [command = '', portText = '', pidFile = ''] = process.argv.slice(2);
const port = Number(portText);

if (command === 'serve') serve();
else if (command === 'start') process.exit(await start());
else {
  process.stderr.write('usage: victim serve|start PORT PIDFILE\n');
  process.exit(2);
}

function serve(): void {
  let requests = 0;
  const startedS = Date.now() / 1000;
  const server = createServer((_, response) => {
    requests += 1;
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(
      '# HELP victim_requests_total Requests served.\n# TYPE victim_requests_total counter\n' +
        `victim_requests_total ${requests}\n` +
        '# HELP victim_start_time_seconds When it started.\n# TYPE victim_start_time_seconds gauge\n' +
        `victim_start_time_seconds ${startedS}\n`,
    );
  });
  server.listen(port, '127.0.0.1', () => writeFileSync(pidFile, String(process.pid)));
}

async function start(): Promise<number> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'serve', portText, pidFile], {
    detached: true,
    stdio: 'ignore',
  });
  child.unref();
  for (let waitedMs = 0; waitedMs < START_MS_MAX; waitedMs += LOOK_EVERY_MS) {
    const answered = await fetch(`http://127.0.0.1:${port}/metrics`).then(
      response => response.ok,
      () => false,
    );
    if (answered) {
      process.stdout.write(`victim is up on port ${port} with pid ${child.pid}\n`);
      return 0;
    }
    await sleep(LOOK_EVERY_MS);
  }
  process.stderr.write(`victim did not answer on port ${port} within ${START_MS_MAX} ms\n`);
  return 1;
}
