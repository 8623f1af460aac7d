// From HTTP client settings to what a request carries.

import type { HttpOauth2, HttpProxy, HttpRequest, HttpTls } from '../../base/index.ts';
import type { Secret } from '../schema.ts';
import type { HttpClientSettings, Oauth2Settings, ProxySettings, TlsSettings } from './http.ts';

export type RequestParts = Pick<HttpRequest, 'headers' | 'tls' | 'proxy' | 'oauth2' | 'followRedirects'>;

/** Header names in lower case, the authorization among them. */
export function requestPartsOf(client: HttpClientSettings): RequestParts {
  const authorization = authorizationHeader(client);
  return {
    ...transportOf(client),
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...headersOf(client.headers),
    },
    ...(client.oauth2 === undefined ? {} : { oauth2: oauth2Of(client.oauth2) }),
  };
}

/** How the connection is made, without who asks. */
export function transportOf(
  client: Pick<HttpClientSettings, 'tls' | 'proxy' | 'followRedirects'>,
): Pick<HttpRequest, 'tls' | 'proxy' | 'followRedirects'> {
  const { tls, proxy, followRedirects } = client;
  return {
    followRedirects,
    ...(tls === undefined ? {} : { tls: tlsOf(tls) }),
    ...(proxy === undefined ? {} : { proxy: proxyOf(proxy) }),
  };
}

/** Several values of one header are one list. */
export function headersOf(headers: ReadonlyMap<string, readonly Secret[]>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...headers].map(([name, values]) => [
      name.toLowerCase(),
      values.map(value => value.reveal()).join(', '),
    ]),
  );
}

function authorizationHeader({ basicAuth, authorization }: HttpClientSettings): string | undefined {
  if (basicAuth !== undefined) {
    const pair = `${basicAuth.username}:${basicAuth.password.reveal()}`;
    return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
  }
  return authorization && `${authorization.type} ${authorization.credentials.reveal()}`;
}

export function tlsOf({ key, ...plain }: TlsSettings): HttpTls {
  return { ...plain, ...(key === undefined ? {} : { key: key.reveal() }) };
}

function proxyOf({ connectHeaders, ...plain }: ProxySettings): HttpProxy {
  return { ...plain, connectHeaders: headersOf(connectHeaders) };
}

export function oauth2Of(settings: Oauth2Settings): HttpOauth2 {
  const { clientSecret, certificateKey, claims, endpointParams, tls, proxy, headers, ...plain } = settings;
  return {
    ...plain,
    clientSecret: clientSecret.reveal(),
    ...(certificateKey === undefined ? {} : { certificateKey: certificateKey.reveal() }),
    claims: Object.fromEntries(claims),
    endpointParams: Object.fromEntries(endpointParams),
    ...(tls === undefined ? {} : { tls: tlsOf(tls) }),
    ...(proxy === undefined ? {} : { proxy: proxyOf(proxy) }),
    headers: headersOf(headers),
  };
}
