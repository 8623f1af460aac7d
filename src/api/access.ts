// Who is asking. Decides the principal of a request, or why it has none.

import { createHash, scrypt, scryptSync, timingSafeEqual } from 'node:crypto';
import { compare } from 'bcryptjs';
import { err, ok, type Result, type ServerRequest } from '../base/index.ts';
import type { Principal, Role } from '../model/index.ts';
import { isSharedWith } from './cors.ts';
import type { AccessSettings } from './deps.ts';

export interface Refusal {
  readonly status: 401 | 403;
  readonly message: string;
}

/** What scrypt costs here: some 50 ms and 16 MiB a check; checked passwords are remembered by their digest. */
const SCRYPT = { N: 16_384, r: 8, p: 1 };
const SCRYPT_BYTES = 32;
/** A remembered password is a digest of 32 bytes; more than this many different ones is an attack, not an office. */
const REMEMBERED_MAX = 1000;

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** The text kept in the configuration for a password: `scrypt$SALT$HASH`, both hexadecimal. bcrypt's is taken too. */
export function hashPassword(password: string, salt: Uint8Array): string {
  const hash = scryptSync(password, salt, SCRYPT_BYTES, SCRYPT);
  return `scrypt$${Buffer.from(salt).toString('hex')}$${hash.toString('hex')}`;
}

export function hashToken(token: string): string {
  return `sha256:${createHash('sha256').update(token).digest('hex')}`;
}

/** A checker with its own memory of passwords already proved. */
export function createAccess(
  settings: AccessSettings,
): (request: ServerRequest) => Promise<Result<Principal, Refusal>> {
  const proved = new Set<string>();
  const open = settings.users.length === 0 && settings.tokens.length === 0;
  return async (request): Promise<Result<Principal, Refusal>> => {
    const strange = foreignOrigin(request, settings);
    if (strange !== undefined) return err({ status: 403, message: strange });
    if (open) {
      if (!settings.certificates && !isLoopbackHost(settings.listenHost))
        return err({ status: 403, message: 'no credentials are configured' });
      return ok({ kind: 'loopback' });
    }
    return authorize(request.headers['authorization'] ?? '', settings, proved);
  };
}

/** Whether the principal may do what needs `role`. Loopback without credentials is the owner of the machine. */
export function mayAct(principal: Principal, role: Role): boolean {
  if (principal.kind !== 'user') return true;
  const rank: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };
  return principal.roles.some(own => rank[own] >= rank[role]);
}

/**
 * On loopback a page of another site could reach us through the person's own browser (DNS rebinding, cross-site
 * posts): the Host must be ours, and so must the Origin where the browser sends one.
 */
function foreignOrigin(request: ServerRequest, settings: AccessSettings): string | undefined {
  if (!isLoopbackHost(settings.listenHost)) return undefined;
  const host = hostOf(request.headers['host'] ?? '');
  if (host !== '' && !isOwnName(host, settings))
    return `Cannot answer for host "${host}": it is not one of this server's names (set web.external_url)`;
  const origin = request.headers['origin'];
  if (!isFromElsewhere(request, settings) || isSharedWith(origin, settings.corsOrigin)) return undefined;
  return `Cannot accept a request from a page of "${origin}": another origin (see web.cors_origin)`;
}

/** Whether a browser says that a page of another origin asks. Asked on loopback only: elsewhere our names are not known. */
export function isFromElsewhere(request: ServerRequest, settings: AccessSettings): boolean {
  if (!isLoopbackHost(settings.listenHost)) return false;
  const origin = request.headers['origin'] ?? '';
  return origin !== '' && !isOwnName(hostOf(origin.replace(/^\w+:\/\//, '')), settings);
}

/** A token is sent by who has it, never by a browser of its own accord as passwords are that it has seen once. */
export function bringsToken({ headers }: ServerRequest): boolean {
  return /^bearer /i.test(headers['authorization'] ?? '');
}

function isOwnName(host: string, settings: AccessSettings): boolean {
  return isLoopbackHost(host) || settings.hostNames.includes(host);
}

function hostOf(authority: string): string {
  return authority.startsWith('[')
    ? authority.slice(0, authority.indexOf(']') + 1)
    : (authority.split(':')[0] ?? '');
}

async function authorize(
  header: string,
  settings: AccessSettings,
  proved: Set<string>,
): Promise<Result<Principal, Refusal>> {
  const refused = err<Refusal>({ status: 401, message: 'credentials are needed' });
  const [scheme = '', value = ''] = header.split(' ', 2);
  if (scheme.toLowerCase() === 'bearer') {
    const token = settings.tokens.find(entry => sameText(entry.tokenHash, hashToken(value)));
    return token === undefined ? refused : ok({ kind: 'user', name: token.name, roles: token.roles });
  }
  if (scheme.toLowerCase() !== 'basic') return refused;
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const name = text.slice(0, colon);
  const user = settings.users.find(entry => entry.name === name);
  if (colon < 0) return refused;
  if (user === undefined) {
    // As long as for a name that there is: else the time would tell which names there are.
    await passwordFits(text, settings.users[0]?.passwordHash ?? '');
    return refused;
  }
  const digest = createHash('sha256').update(`${user.passwordHash}\0${text}`).digest('hex');
  if (!proved.has(digest)) {
    if (!(await passwordFits(text.slice(colon + 1), user.passwordHash))) return refused;
    if (proved.size >= REMEMBERED_MAX) proved.clear();
    proved.add(digest);
  }
  return ok({ kind: 'user', name, roles: user.roles });
}

async function passwordFits(password: string, stored: string): Promise<boolean> {
  if (stored.startsWith('$2')) return compare(password, stored);
  const [kind, salt = '', hash = ''] = stored.split('$');
  if (kind !== 'scrypt') return false;
  const key = await toScrypt(password, Buffer.from(salt, 'hex'));
  return sameText(hash, key.toString('hex'));
}

/** In the thread pool: it takes long on purpose. */
function toScrypt(password: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, SCRYPT_BYTES, SCRYPT, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
