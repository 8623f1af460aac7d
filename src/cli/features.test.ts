import { describe, expect, it } from 'vitest';
import { readFeatures } from './features.ts';

describe('--enable-feature', () => {
  it('turns on what queries know, passes over what is always on, and names the rest', () => {
    expect(
      readFeatures('use-start-timestamps, native-histograms,old-ui,,promql-delayed-name-removal'),
    ).toEqual({
      query: { startTimestamps: true, delayedNameRemoval: true },
      unknown: ['old-ui'],
    });
    expect(readFeatures('')).toEqual({ query: {}, unknown: [] });
  });
});
