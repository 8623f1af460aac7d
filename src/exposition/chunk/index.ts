// exposition/chunk: Prometheus's chunks of samples, written and read.

export { CHUNK_KIND, CHUNK_SAMPLES_MAX, ChunkCutter, type SampleChunk } from './cut.ts';
export { ChunkReader, type ChunkSamples } from './read.ts';
