// Tokens of OAuth 2.0 for requests: asked for when one is needed, kept until they are about to end. Grants: the client's
// own credentials, or a token that it signs itself (RFC 7523).

import { createSign, randomUUID } from 'node:crypto';
import {
  err,
  type HttpError,
  type HttpOauth2,
  type HttpRequest,
  type HttpResponse,
  ok,
  type Result,
} from '../base/index.ts';

/** A token is asked for anew so long before it ends: it must not end on the way. */
const EARLY_MS = 10_000;
/** How long a signed token is good for. */
const ASSERTION_SECONDS = 3600;
const ANSWER_BYTES_MAX = 1024 * 1024;
/** Tokens kept; the one unused longest goes. */
const TOKENS_MAX = 256;

type Exchange = (request: HttpRequest) => Promise<Result<HttpResponse, HttpError>>;

interface Held {
  readonly header: string;
  readonly endsMs: number;
}

export class TokenStore {
  readonly #nowMs: () => number;
  readonly #held = new Map<string, Held>();
  /** Under way, so that many requests at once ask for one token. */
  readonly #asking = new Map<string, Promise<Result<Held, HttpError>>>();
  /** How each endpoint wants to hear who we are: found out by trying. */
  readonly #inBody = new Set<string>();

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
  }

  /** The Authorization header. */
  async header(
    oauth2: HttpOauth2,
    timeoutMs: number,
    exchange: Exchange,
  ): Promise<Result<string, HttpError>> {
    const key = JSON.stringify(oauth2);
    const held = this.#held.get(key);
    if (held !== undefined && this.#nowMs() < held.endsMs - EARLY_MS) return ok(held.header);
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#ask(oauth2, timeoutMs, exchange).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    const answer = await asking;
    if (!answer.ok) return answer;
    this.#held.delete(key);
    this.#held.set(key, answer.value);
    for (const old of this.#held.keys()) {
      if (this.#held.size <= TOKENS_MAX) break;
      this.#held.delete(old);
    }
    return ok(answer.value.header);
  }

  /** The server did not take it: the next request asks for another. */
  forget(oauth2: HttpOauth2): void {
    this.#held.delete(JSON.stringify(oauth2));
  }

  async #ask(oauth2: HttpOauth2, timeoutMs: number, exchange: Exchange): Promise<Result<Held, HttpError>> {
    const { tokenUrl, grantType } = oauth2;
    if (grantType !== 'client_credentials') return this.#try(oauth2, { timeoutMs, inBody: true }, exchange);
    const inBody = this.#inBody.has(tokenUrl);
    const first = await this.#try(oauth2, { timeoutMs, inBody }, exchange);
    if (first.ok || inBody || first.error.code !== 'http-protocol') return first;
    // As most clients: by header first, and in the form where that is refused.
    const second = await this.#try(oauth2, { timeoutMs, inBody: true }, exchange);
    if (second.ok) this.#inBody.add(tokenUrl);
    return second.ok ? second : first;
  }

  async #try(
    oauth2: HttpOauth2,
    how: { readonly timeoutMs: number; readonly inBody: boolean },
    exchange: Exchange,
  ): Promise<Result<Held, HttpError>> {
    const nowMs = this.#nowMs();
    const form = formOf(oauth2, { inBody: how.inBody, nowMs });
    if (!form.ok) return failed(oauth2, form.error);
    const { tls, proxy, headers, clientId, clientSecret } = oauth2;
    const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
    const answer = await exchange({
      method: 'POST',
      url: oauth2.tokenUrl,
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        ...(how.inBody ? {} : { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }),
        ...headers,
      },
      body: new TextEncoder().encode(form.value.toString()),
      timeoutMs: how.timeoutMs,
      bodyBytesMax: ANSWER_BYTES_MAX,
      followRedirects: true,
      ...(tls === undefined ? {} : { tls }),
      ...(proxy === undefined ? {} : { proxy }),
    });
    if (!answer.ok) return answer;
    if (answer.value.status !== 200)
      return failed(oauth2, `the server returned HTTP status ${answer.value.status}`);
    return tokenOf(oauth2, answer.value.body, nowMs);
  }
}

function formOf(
  oauth2: HttpOauth2,
  how: { readonly inBody: boolean; readonly nowMs: number },
): Result<URLSearchParams, string> {
  const { grantType, clientId, clientSecret, scopes, endpointParams } = oauth2;
  const form = new URLSearchParams({ grant_type: grantType });
  if (grantType === 'client_credentials') {
    if (scopes.length > 0) form.set('scope', scopes.join(' '));
    if (how.inBody) {
      form.set('client_id', clientId);
      form.set('client_secret', clientSecret);
    }
  } else {
    const signed = assertionOf(oauth2, how.nowMs);
    if (!signed.ok) return signed;
    form.set('assertion', signed.value);
  }
  for (const [name, value] of Object.entries(endpointParams)) form.set(name, value);
  return ok(form);
}

/** The signed token that is exchanged for one of the server's. */
function assertionOf(oauth2: HttpOauth2, nowMs: number): Result<string, string> {
  const { clientId, issuer, audience, tokenUrl, scopes, claims, certificateKey, certificateKeyId } = oauth2;
  const nowSeconds = Math.floor(nowMs / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const head = part({
    alg: oauth2.signatureAlgorithm,
    typ: 'JWT',
    ...(certificateKeyId === '' ? {} : { kid: certificateKeyId }),
  });
  const body = part({
    iss: issuer === '' ? clientId : issuer,
    sub: clientId,
    aud: audience === '' ? tokenUrl : audience,
    jti: randomUUID(),
    iat: nowSeconds,
    exp: nowSeconds + ASSERTION_SECONDS,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...claims,
  });
  try {
    const signer = createSign(`RSA-SHA${oauth2.signatureAlgorithm.slice(2)}`);
    const signature = signer.update(`${head}.${body}`).sign(certificateKey ?? '', 'base64url');
    return ok(`${head}.${body}.${signature}`);
  } catch {
    // What the library says may quote the key.
    return err('client_certificate_key cannot sign: a private RSA key in PEM expected');
  }
}

function tokenOf(oauth2: HttpOauth2, body: Uint8Array, nowMs: number): Result<Held, HttpError> {
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return failed(oauth2, 'the answer is not JSON');
  }
  if (typeof answer !== 'object' || answer === null || !('access_token' in answer))
    return failed(oauth2, 'the answer holds no access_token');
  const { access_token: token } = answer;
  if (typeof token !== 'string' || token === '') return failed(oauth2, 'the answer holds no access_token');
  const type = 'token_type' in answer && typeof answer.token_type === 'string' ? answer.token_type : '';
  const seconds = 'expires_in' in answer ? Number(answer.expires_in) : Number.NaN;
  return ok({
    header: `${type === '' || /^bearer$/i.test(type) ? 'Bearer' : type} ${token}`,
    endsMs: seconds > 0 ? nowMs + seconds * 1000 : Number.POSITIVE_INFINITY,
  });
}

function failed(oauth2: HttpOauth2, cause: string): Result<never, HttpError> {
  return err({ code: 'http-protocol', message: `Cannot get a token from "${oauth2.tokenUrl}": ${cause}` });
}
