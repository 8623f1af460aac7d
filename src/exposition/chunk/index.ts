// exposition/chunk: Prometheus's chunks of samples, written.

export { CHUNK_KIND, CHUNK_SAMPLES_MAX, ChunkCutter, type SampleChunk } from './cut.ts';
