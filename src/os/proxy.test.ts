import { describe, expect, it } from 'vitest';
import { proxyFor } from './proxy.ts';

const NAMED = { url: 'http://proxy:3128', fromEnvironment: false, connectHeaders: {} };
const FROM_ENV = { noProxy: '', fromEnvironment: true, connectHeaders: {} };

const isProxied = (address: string, noProxy: string): boolean =>
  proxyFor(new URL(address), { ...NAMED, noProxy }, {}) !== undefined;

describe('a proxy that is named', () => {
  it('is used for everything unless hosts are left out', () => {
    expect(proxyFor(new URL('http://a/'), undefined, { HTTP_PROXY: 'http://other' })).toBeUndefined();
    expect(isProxied('http://a.example.org/', '')).toBe(true);
    expect(isProxied('http://127.0.0.1/', '')).toBe(true);
    expect(isProxied('http://127.0.0.1/', 'x')).toBe(false);
    expect(isProxied('http://[::1]:90/', 'x')).toBe(false);
    expect(isProxied('http://localhost/', 'x')).toBe(false);
  });

  it.each([
    ['*', 'http://a/', false],
    ['example.org', 'http://example.org/', false],
    ['example.org', 'http://a.b.example.org/', false],
    ['example.org', 'http://badexample.org/', true],
    ['.example.org', 'http://a.example.org/', false],
    ['.example.org', 'http://example.org/', true],
    ['*.example.org', 'http://a.example.org/', false],
    ['EXAMPLE.org', 'http://Example.ORG/', false],
    ['a, b ,c', 'http://b/', false],
    ['example.org:8080', 'http://example.org:8080/', false],
    ['example.org:8080', 'http://example.org/', true],
    ['example.org:443', 'https://example.org/', false],
    ['10.1.2.3', 'http://10.1.2.3:9100/', false],
    ['10.1.2.3', 'http://10.1.2.30/', true],
    ['10.1.2.3:9100', 'http://10.1.2.3:9100/', false],
    ['10.0.0.0/8', 'http://10.200.1.1/', false],
    ['10.0.0.0/8', 'http://11.0.0.1/', true],
    ['10.0.0.0/8', 'http://ten.example.org/', true],
    ['10.0.0.0/99', 'http://10.0.0.1/', true],
    ['fd00::/8', 'http://[fd00::1]:80/', false],
    ['[fd00::1]:80', 'http://[fd00::1]/', false],
    ['2.3', 'http://10.1.2.3/', true],
    [',', 'http://a/', true],
  ])('and NO_PROXY "%s" asks %s through it: %s', (noProxy, address, expected) => {
    expect(isProxied(address, noProxy)).toBe(expected);
  });
});

describe('the proxies of the environment', () => {
  it('go by the scheme, in capitals or not, with or without http://', () => {
    const env = { HTTP_PROXY: 'one:1', https_proxy: 'https://two:2', no_proxy: 'left.out' };
    const of = (address: string): string | undefined => proxyFor(new URL(address), FROM_ENV, env);
    expect(of('http://a/')).toBe('http://one:1');
    expect(of('https://a/')).toBe('https://two:2');
    expect(of('https://left.out/')).toBeUndefined();
    expect(proxyFor(new URL('http://a/'), FROM_ENV, {})).toBeUndefined();
  });
});
