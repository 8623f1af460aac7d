// exposition/: metrics pages <-> samples, and the relabelling that both discovery and collect apply.

export {
  CHUNK_KIND,
  CHUNK_SAMPLES_MAX,
  ChunkCutter,
  ChunkReader,
  type ChunkSamples,
  type SampleChunk,
} from './chunk/index.ts';
export { lineFailure, type PageFailure } from './failure.ts';
export { formatFloat, formatFloatJson, formatFloatOpenMetrics } from './format-float.ts';
export { parseGoFloat, setNormalNaN } from './go-float.ts';
export { type MetricProblem, type MetricReview, reviewMetrics } from './metric-lint.ts';
export { OpenMetricsReader } from './openmetrics-reader.ts';
export { checkOpenMetrics } from './openmetrics-strict.ts';
export { type EntryKind, type PageReader, TEXT_BYTES_MAX, tooLong } from './page-reader.ts';
export {
  badNames,
  exemplarOf,
  helpOf,
  nameOf,
  parseOpenMetrics,
  parseText,
  type TextSink,
} from './parse.ts';
export { printFamilies, printSample, TEXT_CONTENT_TYPE } from './print.ts';
export { PROTOBUF_CONTENT_TYPE, type ProtobufOptions, ProtobufReader } from './protobuf-reader.ts';
export {
  type ReadAnswerKind,
  type ReadHints,
  type ReadQuery,
  type ReadRequest,
  readReadRequest,
} from './read-request.ts';
export {
  beginTimeSeries,
  FRAME_BYTES_MAX,
  FrameWriter,
  type Rows,
  resultHead,
  writeSamples,
} from './read-response.ts';
export {
  type CompiledRelabelRule,
  compileRelabelRules,
  RELABEL_ACTIONS,
  RELABEL_DEFAULTS,
  type RelabelAction,
  type RelabelRule,
  relabel,
} from './relabel.ts';
export { decodeHelp, decodeSeries } from './series-text.ts';
export { Snapper, snappyHead } from './snap.ts';
export { TextCache } from './text-cache.ts';
export { TextReader } from './text-reader.ts';
export { Unsnapper } from './unsnap.ts';
export { BYTES, FIXED64, VARINT, WireReader } from './wire.ts';
export { readDoubles, readSpan, readZigzags, summed } from './wire-histogram.ts';
export { WireWriter } from './wire-writer.ts';
export {
  labelFields,
  type SentExemplar,
  type SentSample,
  SymbolBook,
  snappyBody,
  WriteRequest1,
  WriteRequest2,
} from './write-request.ts';
