// Why an alert is as it is, in Chinese; the English words are the server's (src/model/why.ts).

import type { WhyCode } from '../../../src/model/index.ts';

export const whysZh: Readonly<Record<WhyCode, string>> = {
  holds: '条件成立',
  resumed: '重启后条件仍成立，停机时间不计入',
  begins_anew: '重启后条件仍成立，`for` 重新开始计时',
  not_yet: '重启后的第一次计算没有查到，暂不下结论',
  not_in_answer: '已不在查询结果中',
  below: '条件已不成立',
  target_gone: '目标已从服务发现中消失：{target}',
  target_silent: '目标没有响应：{target}',
  series_ended: '序列已结束：目标仍在响应，但不再提供该序列',
  target_delivers: '已不在查询结果中，而目标仍在响应',
  restarted: '计算刚重新开始，数据还不够',
  restarted_silent: '计算刚重新开始，目标尚未响应',
  settling: '目标恢复响应不久，数据还不够',
  not_knowable: '数据缺失，原因无法判断',
  recorded: '数据缺失：由 {target} 记录',
  ended_earlier: '先前已结束，此后只处于等待',
  kept_firing: '{reason}；由 keep_firing_for 保持触发',
  before_for: '未满 `for`：{reason}',
  counts: '{reason}，视同条件成立',
  over_limit: '规则失败：{count} 个告警，超过上限 {limit}',
  rule_removed: '规则已被移除',
};
