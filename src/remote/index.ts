// remote/: samples to other stores, by Prometheus's remote write.

export type { QueueStatus } from './queue.ts';
export { createRemoteWriter, type RemotePorts, type RemoteWriter } from './runner.ts';
export type { MetadataSettings, QueueSettings, RemoteWriteTarget, WriteProtocol } from './settings.ts';
