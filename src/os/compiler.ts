// How V8 optimizes while a program starts: it runs many functions for some milliseconds each, and for each V8 copies what it calls
// into it before it optimizes the whole. That is most of the time it takes, and little is gained by it in so short a life.
// What is optimized meanwhile and goes on to be needed calls a little more than it would; who calls it is not affected.

import { setFlagsFromString } from 'node:v8';

/** Not before the first threads run: V8 takes up code that was kept, as that of Node's own modules, only under its usual flags. */
export function optimizeInHaste(): void {
  setFlagsFromString('--no-turbo-inlining');
}

/** Once the start is done. */
export function optimizeAsUsual(): void {
  setFlagsFromString('--turbo-inlining');
}
