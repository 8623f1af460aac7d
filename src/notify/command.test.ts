// A command: what it is given, and what its end means.

import { describe, expect, it } from 'vitest';
import { labelsFrom } from '../model/index.ts';
import { alert, jobOf, kit, messageOf, read, senderOf, signal } from './testdata/kit.ts';

const PROGRAM = '/usr/local/bin/page';

describe('a command', () => {
  it('gets arguments, environment and the message as JSON, and no shell', async () => {
    const k = kit();
    k.exec.on(PROGRAM, () => ({ stdout: 'queued as 17\n' }));
    const yaml = `
argv: [${PROGRAM}, --severity, '{{ .CommonLabels.job }}; rm -rf /', '{{ .CommonAnnotations.summary }}']
env: { TOKEN: 's3cret-token', WHO: '{{ .Receiver }}' }
cwd: /tmp
timeout: 5s
`;
    const job = jobOf({ possibleRepeat: true, recoveryReport: 'tried' });
    const outcome = await senderOf('command_configs', yaml, k.ports).send(messageOf(job), signal);
    expect(outcome).toEqual({ kind: 'sent', answer: 'exit code 0: queued as 17' });
    const [request] = k.exec.requests;
    expect(request).toMatchObject({
      argv: [PROGRAM, '--severity', 'web; rm -rf /', '<b>web</b> is down'],
      cwd: '/tmp',
      timeoutMs: 5000,
      env: {
        TOKEN: 's3cret-token',
        WHO: 'ops\\.x',
        WATCHKEEPER_JOB: 'boot-7',
        WATCHKEEPER_STATUS: 'firing',
        WATCHKEEPER_POSSIBLE_REPEAT: 'true',
        WATCHKEEPER_TEST: 'false',
        WATCHKEEPER_LABEL_alertname: 'Down',
      },
    });
    expect(Object.keys(request?.env ?? {})).toContain('PATH');
    const stdin = JSON.parse(new TextDecoder().decode(request?.stdin)) as Record<string, unknown>;
    expect(stdin).toMatchObject({
      version: '4',
      status: 'firing',
      groupLabels: { alertname: 'Down' },
      watchkeeper: {
        job: 'boot-7',
        reason: 'first notification',
        possibleRepeat: true,
        test: false,
        recoveryReport: 'tried',
      },
    });
    expect(stdin['alerts']).toHaveLength(2);
  });

  it('is not run with an argument that could not be made', async () => {
    const k = kit();
    k.exec.on(PROGRAM, () => ({}));
    const sender = senderOf('command_configs', `argv: [${PROGRAM}, '{{ .Nope.x }}']`, k.ports);
    expect(await sender.send(messageOf(jobOf()), signal)).toMatchObject({
      kind: 'drop',
      reason: 'bad template',
    });
    expect(k.exec.requests).toEqual([]);
  });

  it('hands on no zero byte', async () => {
    const k = kit();
    k.exec.on(PROGRAM, () => ({}));
    const evil = { ...alert('a'), labels: labelsFrom({ alertname: 'a\0b' }) };
    const sender = senderOf(
      'command_configs',
      `argv: [${PROGRAM}, '{{ .CommonLabels.alertname }}']`,
      k.ports,
    );
    await sender.send(messageOf(jobOf({ alerts: [evil] })), signal);
    expect(k.exec.requests[0]?.argv).toEqual([PROGRAM, 'ab']);
    expect(k.exec.requests[0]?.env['WATCHKEEPER_LABEL_alertname']).toBeUndefined();
  });

  it.each([
    [{ exitCode: 0 }, 'sent', 'exit code 0'],
    [{ exitCode: 1, stderr: 'curl: (7) refused' }, 'retry', 'exit code 1: curl: (7) refused'],
    [{ exitCode: 64, stderr: 'usage: page' }, 'drop', 'exit code 64: usage: page'],
    [{ exitCode: 65 }, 'drop', 'exit code 65'],
    [{ exitCode: 75 }, 'retry', 'exit code 75'],
    [{ exitCode: 78 }, 'drop', 'exit code 78'],
    [{ exitCode: 79 }, 'retry', 'exit code 79'],
    [{ signal: 'SIGSEGV' }, 'retry', 'ended by SIGSEGV'],
    [{ error: 'exec-not-found' }, 'retry', 'Cannot run'],
    [{ exitCode: 1, stdout: `${'x'.repeat(40_000)}end` }, 'retry', '(output cut)'],
  ] as const)('that ends with %j is %s: %s', async (answer, kind, words) => {
    const k = kit();
    k.exec.on(PROGRAM, () => answer);
    const outcome = await senderOf('command_configs', `argv: [${PROGRAM}]`, k.ports).send(
      messageOf(jobOf()),
      signal,
    );
    expect(outcome.kind).toBe(kind);
    const said = outcome.kind === 'sent' ? outcome.answer : 'detail' in outcome ? outcome.detail : '';
    expect(said).toContain(words);
    expect(said.length).toBeLessThan(600);
  });

  it('that does not end is killed, and may have done its work', async () => {
    const k = kit();
    k.exec.on(PROGRAM, () => ({ durationMs: Number.POSITIVE_INFINITY }));
    const sent = senderOf('command_configs', `argv: [${PROGRAM}]\ntimeout: 3s`, k.ports).send(
      messageOf(jobOf()),
      signal,
    );
    await k.clock.advance(3000);
    expect(await sent).toMatchObject({
      kind: 'retry',
      reason: 'command-timeout',
      detail: 'killed after 3 s',
    });
  });

  it('does not print what its environment keeps secret', async () => {
    const k = kit();
    k.exec.on(PROGRAM, () => ({ exitCode: 1, stderr: 'denied for s3cret-token' }));
    const yaml = `argv: [${PROGRAM}]\nenv: { TOKEN: s3cret-token }`;
    const outcome = await senderOf('command_configs', yaml, k.ports).send(messageOf(jobOf()), signal);
    expect(JSON.stringify(outcome)).not.toContain('s3cret');
  });
});

describe('settings', () => {
  it.each([
    ['env: {}', 'error config-missing-key: Cannot do without "argv"'],
    ['argv: []', 'error config-bad-value: Cannot run "": argv needs a program'],
    [
      "argv: ['{{ .Status }}']",
      'error config-bad-value: Cannot run "{{ .Status }}": a template may not choose',
    ],
    ["argv: [x, '{{ .Status']", 'warning template-parse: Cannot use argv[1] as a template'],
    ['argv: [x]\ntimeout: 2m', 'error config-bad-value'],
  ])('%j: %s', (yaml, says) => {
    expect(read('command_configs', yaml).says.join('\n')).toContain(says);
  });
});
