// The words of messages, English and Chinese: of the default templates, and of the marks that every message bears.

export type Language = 'en' | 'zh';

export interface Words {
  readonly firing: string;
  readonly resolved: string;
  readonly repeat: string;
  readonly test: string;
  readonly reason: string;
  readonly recovery: string;
  readonly since: string;
  readonly until: string;
  readonly more: string;
  readonly moreAfter: string;
  readonly source: string;
  readonly open: string;
  readonly failed: string;
}

export const WORDS: Readonly<Record<Language, Words>> = {
  en: {
    firing: 'FIRING',
    resolved: 'RESOLVED',
    repeat: 'Possible repeat: the delivery of this message was interrupted, you may have received it before.',
    test: 'This is a test message. Nothing is wrong.',
    reason: 'Why now',
    recovery: 'What recovery tried',
    since: 'since',
    until: 'until',
    more: 'and',
    moreAfter: 'more alerts',
    source: 'Source',
    open: 'Open Watchkeeper',
    failed: 'A template failed',
  },
  zh: {
    firing: '告警',
    resolved: '恢复',
    repeat: '可能重复:此消息的发送曾被中断,您可能已经收到过。',
    test: '这是一条测试消息,一切正常。',
    reason: '发送原因',
    recovery: '已尝试的自动恢复',
    since: '开始于',
    until: '结束于',
    more: '另有',
    moreAfter: '条告警',
    source: '来源',
    open: '打开 Watchkeeper',
    failed: '模板出错',
  },
};
