// What every Mail must do, against a server that a peer sets up to behave in a wanted way.

import { afterEach, describe, expect, it } from 'vitest';
import type { Mail, MailError, MailMessage } from '../../../src/base/index.ts';

export interface MailPeer {
  readonly mail: Mail;
  readonly server: MailMessage['server'];
  /** Subjects of the messages that were accepted. */
  accepted(): readonly string[];
  /** How the server treats the next message. */
  refuseNext(how: 'for-now' | 'for-good'): void;
  close(): Promise<void>;
}

export function mailContract(name: string, make: () => Promise<MailPeer>): void {
  describe(`mail contract: ${name}`, () => {
    let open: MailPeer[] = [];
    const start = async () => {
      const peer = await make();
      open.push(peer);
      return {
        peer,
        send: (subject: string, signal?: AbortSignal) => peer.mail.send(message(peer, subject), signal),
      };
    };
    afterEach(async () => {
      for (const peer of open.splice(0)) await peer.close();
      open = [];
    });

    it('answers the words of the server to an accepted message', async () => {
      const { peer, send } = await start();
      const result = await send('hello');
      expect(result).toMatchObject({ ok: true });
      expect(result.ok && result.value).toMatch(/^250/);
      expect(peer.accepted()).toEqual(['hello']);
    });

    const refusals: readonly (readonly ['for-now' | 'for-good', MailError['code'], RegExp])[] = [
      ['for-now', 'mail-temporary', /^4/],
      ['for-good', 'mail-rejected', /^5/],
    ];
    for (const [how, code, reply] of refusals) {
      it(`answers ${code} with the reply code to a refusal ${how}, and sends the next`, async () => {
        const { peer, send } = await start();
        peer.refuseNext(how);
        const result = await send('refused');
        if (result.ok) throw new Error('was accepted');
        expect(result.error.code).toBe(code);
        expect(String(result.error.replyCode)).toMatch(reply);
        expect((await send('next')).ok).toBe(true);
        expect(peer.accepted()).toEqual(['next']);
      });
    }

    it('sends nothing when its signal has aborted', async () => {
      const { peer, send } = await start();
      expect(await send('never', AbortSignal.abort())).toMatchObject({
        ok: false,
        error: { code: 'mail-timeout' },
      });
      expect(peer.accepted()).toEqual([]);
    });
  });
}

function message(peer: MailPeer, subject: string): MailMessage {
  return {
    server: peer.server,
    from: 'watchkeeper@example.com',
    to: ['someone@example.com'],
    headers: {},
    subject,
    text: 'text',
    timeoutMs: 5000,
  };
}
