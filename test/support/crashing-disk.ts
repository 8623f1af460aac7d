// A mount of the fake disk that loses power, or is killed, before or after its n-th call.

import type { Disk, DiskFile } from '../../src/base/index.ts';
import type { FakeDisk } from './disk.ts';

/** After the crash no call answers; the promise tells that it happened. An even seed crashes before the call takes effect. */
export function crashingDisk(
  fake: FakeDisk,
  plan: { readonly call: number; readonly seed: number },
): { readonly disk: Disk; readonly crashed: Promise<void>; calls(): number } {
  let calls = 0;
  let tell: () => void = () => {};
  const crashed = new Promise<void>(resolve => {
    tell = resolve;
  });
  const lose = (): Promise<never> => {
    fake.crash({ seed: plan.seed });
    tell();
    return new Promise<never>(() => {});
  };
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, name) => {
        const member: unknown = Reflect.get(object, name);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]) => {
          const mine = ++calls === plan.call;
          if (mine && plan.seed % 2 === 0) return lose();
          const answer: unknown = await member.apply(object, args);
          if (mine) return lose();
          return name === 'open' && isOpened(answer) ? { ok: true, value: wrap(answer.value) } : answer;
        };
      },
    });
  return { disk: wrap(fake.mount()), crashed, calls: () => calls };
}

function isOpened(answer: unknown): answer is { ok: true; value: DiskFile } {
  return (
    typeof answer === 'object' && answer !== null && 'ok' in answer && answer.ok === true && 'value' in answer
  );
}
