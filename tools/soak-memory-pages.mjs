// The watched side of the memory soak, in a process of its own: one port a target, pages of N series that change.
//   node tools/soak-memory-pages.mjs TARGETS SERIES [gzip]      prints its ports as one line of JSON

import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';

const [targets = 100, series = 1000] = process.argv.slice(2, 4).map(Number);
const zipped = process.argv[4] === 'gzip';
/** Half are counters, half gauges; some move all the time, some stand still, as on real pages. */
const STILL_SHARE = 0.3;

const prefixes = Array.from({ length: series }, (_, i) => {
  const kind = i % 2 === 0 ? 'requests_total' : 'level';
  return `soak_${kind}{code="${200 + (i % 7)}",handler="/api/${Math.floor(i / 14)}",shard="${i}"} `;
});

let served = 0;
const ports = await Promise.all(Array.from({ length: targets }, (_, target) => listen(target)));
process.stdout.write(`${JSON.stringify(ports)}\n`);
process.on('message', () => process.send?.({ served }));
process.on('disconnect', () => process.exit(0));

function listen(target) {
  let ticks = 0;
  const server = createServer((_, response) => {
    served += 1;
    ticks += 1;
    const type = { 'content-type': 'text/plain; version=0.0.4' };
    if (zipped) {
      response.writeHead(200, { ...type, 'content-encoding': 'gzip' });
      response.end(gzipSync(page(target, ticks), { level: 1 }));
    } else {
      response.writeHead(200, type);
      response.end(page(target, ticks));
    }
  });
  server.keepAliveTimeout = 60_000;
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}

function page(target, ticks) {
  let text = '# TYPE soak_requests_total counter\n# TYPE soak_level gauge\n';
  for (let i = 0; i < series; i++) {
    const moves = (i * 7919) % 100 >= STILL_SHARE * 100;
    const step = moves ? ticks : 1;
    const value =
      i % 2 === 0 ? step * (1 + (i % 5)) + target : Math.round(1000 * Math.sin(step / 30 + i)) / 8;
    text += `${prefixes[i]}${value}\n`;
  }
  return text;
}
