// The part of `http_config` and `tls_config` that channels act on.

import type { HttpTls } from '../base/index.ts';
import {
  httpClientOf,
  httpConfig,
  mapped,
  type RequestParts,
  requestPartsOf,
  type Schema,
  tlsConfig,
  tlsOf,
  tlsSettingsOf,
} from '../config/index.ts';

/** What every request of a channel carries. */
export type HttpClient = RequestParts;

export const tlsSchema: Schema<HttpTls> = mapped(tlsConfig, value => tlsOf(tlsSettingsOf(value)));

export const httpClientSchema: Schema<HttpClient> = mapped(httpConfig, value =>
  requestPartsOf(httpClientOf(value)),
);
