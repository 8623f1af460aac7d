import { describe, expect, it } from 'vitest';
import { giveBack } from './give-back.ts';

describe('memory that is given back', () => {
  it('is gone at once, again and again', () => {
    for (let i = 0; i < 1000; i++) {
      const bytes = new Uint8Array(64 * 1024).fill(i);
      const part = bytes.subarray(5);
      giveBack(bytes);
      expect(bytes.buffer.byteLength).toBe(0);
      expect(part.length).toBe(0);
    }
  });

  it('stays where others have a part of it', () => {
    const whole = new Uint8Array(64 * 1024);
    giveBack(whole.subarray(0, 32 * 1024));
    expect(whole.length).toBe(64 * 1024);
    const shared = new Uint8Array(new SharedArrayBuffer(64 * 1024));
    giveBack(shared);
    expect(shared.length).toBe(64 * 1024);
    const pooled = Buffer.from('of the pool');
    giveBack(pooled);
    expect(pooled.toString()).toBe('of the pool');
  });

  it('keeps the process from growing', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 500; i++) giveBack(new Uint8Array(1024 * 1024));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });
});
