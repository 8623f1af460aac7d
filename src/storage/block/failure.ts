// What can go wrong with a block: the disk says no, or the bytes are wrong. The first may pass, the second never does.

import { type DiskError, err, type Result } from '../../base/index.ts';

export type BlockFailure =
  | { readonly kind: 'disk'; readonly error: DiskError }
  | { readonly kind: 'newer'; readonly path: string }
  | { readonly kind: 'damaged'; readonly path: string; readonly offset: number; readonly cause: string };

export function diskFailure(error: DiskError): Result<never, BlockFailure> {
  return err({ kind: 'disk', error });
}

export function damaged(path: string, offset: number, cause: string): Result<never, BlockFailure> {
  return err({ kind: 'damaged', path, offset, cause });
}
