// base/: what everything else stands on. Imports nothing.

export { assert, never } from './assert.ts';
export { CODES, type Code } from './codes.ts';
export { formatDuration, parseDuration } from './duration.ts';
export type * from './ports.ts';
export { type Err, err, type Ok, ok, type Result } from './result.ts';
export { compareUtf8 } from './utf8.ts';
export { sleep, withDeadline } from './wait.ts';
