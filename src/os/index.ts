// os/: the real ports. The only folder that touches the system.

export { type Asset, pageAssets } from './assets.ts';
export { systemClock } from './clock.ts';
export { optimizeAsUsual, optimizeInHaste } from './compiler.ts';
export { systemDisk } from './disk.ts';
export { type DnsOptions, systemDns } from './dns.ts';
export { type ExecPool, type ExecPoolSettings, execPool } from './exec.ts';
export { keepHeapSmall, keepYoungSmall } from './heap.ts';
export { hostFacts, type ProcessFacts, processFacts } from './host-facts.ts';
export { type HttpClient, httpClient } from './http-client.ts';
export { httpServer } from './http-server.ts';
export { type LogSettings, streamLog } from './log.ts';
export { smtpMail } from './mail.ts';
export { type MailSink, openMailSink, type SunkMail } from './mail-sink.ts';
export { giveWay } from './priority.ts';
export { type ThisProcess, thisProcess } from './process.ts';
export { systemRandom } from './random.ts';
export { freePort, killProcess, nodePath, type TemporaryFolder, temporaryFolder } from './small.ts';
export { startThread, threadPort } from './thread.ts';
