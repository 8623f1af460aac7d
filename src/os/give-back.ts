// Memory of buffers, given back without waiting for a collection of garbage.
//
// A buffer's bytes lie outside the heap, and count as its growth: a third of what a busy receiver of pushes did was to look
// through the whole heap so that bodies it was long done with went. A buffer that is transferred belongs to whoever it is
// sent to, and where nobody is there its memory is free at once. It takes two microseconds.

import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** Smaller ones are cheaper to leave; those of Node's pool, which must not go, are smaller too. */
const WORTH_BYTES = 8 * 1024;

const NOBODY = portToNobody();

/** What shows the same memory is empty from now on. Does nothing where the bytes are only a part of it. */
export function giveBack(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (bytes.length < WORTH_BYTES || bytes.length !== buffer.byteLength || !(buffer instanceof ArrayBuffer))
    return;
  NOBODY.postMessage(undefined, [buffer]);
}

function portToNobody(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.close();
  port2.close();
  return port1;
}
