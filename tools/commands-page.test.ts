// docs/reference/commands.md and the commands' own help tell of the same commands and options.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Command } from '../src/cli/command.ts';

const page = readFileSync(new URL('../docs/reference/commands.md', import.meta.url), 'utf8');
const sections = new Map(
  page.split(/^## /m).map(section => [section.slice(0, section.indexOf('\n')), section] as const),
);
/** Told once for all that ask a server. */
const SHARED = ['--url', '--token', '--user', '--ca-file'];

const folder = new URL('../src/cli/', import.meta.url);
/** Importing main.ts would run it. */
const files = readdirSync(folder).filter(
  name => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'main.ts',
);
const exported: readonly unknown[] = (
  await Promise.all(files.map(async name => Object.values(await import(new URL(name, folder).href))))
).flat();
const commands = exported.filter(
  (value): value is Command =>
    typeof value === 'object' && value !== null && 'help' in value && 'run' in value,
);

function optionsIn(text: string): readonly string[] {
  const found = new Set(text.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? []);
  return [...found].filter(option => !SHARED.includes(option)).sort();
}

describe('the page of commands', () => {
  it('has each command, and no other', () => {
    const told = [...sections.keys()].filter(name => name.startsWith('watchkeeper ')).sort();
    expect(told).toEqual(commands.map(({ name }) => `watchkeeper ${name}`).sort());
    expect(told.length).toBeGreaterThan(5);
  });

  it.each(commands)('has $name with the options of its help', ({ name, help }) => {
    expect(optionsIn(sections.get(`watchkeeper ${name}`) ?? '')).toEqual(optionsIn(help));
  });

  it('tells how to reach a server', () => {
    for (const option of SHARED) expect(page).toContain(`\`${option} `);
  });
});
