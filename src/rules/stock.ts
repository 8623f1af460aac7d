// The stock rules: on when no configuration is given. The text is an ordinary rule file; copy it and change what you
// like. Under the stock configuration missing data makes an alert `unknown`, never resolved.

export const STOCK_RULES_FILE = 'stock-rules.yml';

export const STOCK_RULES = `# Watchkeeper's stock rules: targets, this host, and Watchkeeper itself.
groups:
  - name: stock-targets
    rules:
      - alert: TargetDown
        expr: up == 0
        for: 1m
        labels:
          severity: critical
        annotations:
          summary: 'Target {{ $labels.instance }} of job {{ $labels.job }} is down'
          description: 'Watchkeeper could not collect from {{ $labels.instance }} (job {{ $labels.job }}) for more than 1 minute.'
          summary_zh: '任务 {{ $labels.job }} 的目标 {{ $labels.instance }} 无法访问'
          description_zh: '超过 1 分钟无法从 {{ $labels.instance }}（任务 {{ $labels.job }}）采集数据。'

  - name: stock-host
    rules:
      - record: instance:node_cpu_busy:percent
        expr: 100 * (1 - avg by (instance, job) (rate(node_cpu_seconds_total{mode="idle"}[5m])))

      - alert: HostHighCpu
        expr: 100 * (1 - avg by (instance, job) (rate(node_cpu_seconds_total{mode="idle"}[5m]))) > 80
        for: 5m
        labels:
          severity: critical
        annotations:
          summary: 'CPU of {{ $labels.instance }} is at {{ printf "%.0f" $value }} %'
          description: 'The processors of {{ $labels.instance }} have been busy for more than 80 % of the time for 5 minutes.'
          summary_zh: '{{ $labels.instance }} 的 CPU 使用率为 {{ printf "%.0f" $value }} %'
          description_zh: '{{ $labels.instance }} 的 CPU 使用率已连续 5 分钟超过 80 %。'
      - alert: HostHighCpu
        expr: 100 * (1 - avg by (instance, job) (rate(node_cpu_seconds_total{mode="idle"}[5m]))) > 70
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: 'CPU of {{ $labels.instance }} is at {{ printf "%.0f" $value }} %'
          description: 'The processors of {{ $labels.instance }} have been busy for more than 70 % of the time for 5 minutes.'
          summary_zh: '{{ $labels.instance }} 的 CPU 使用率为 {{ printf "%.0f" $value }} %'
          description_zh: '{{ $labels.instance }} 的 CPU 使用率已连续 5 分钟超过 70 %。'

      - alert: HostHighLoad
        expr: node_load15 / on (instance, job) count by (instance, job) (node_cpu_seconds_total{mode="idle"}) > 2
        for: 15m
        labels:
          severity: warning
        annotations:
          summary: 'Load of {{ $labels.instance }} is {{ printf "%.1f" $value }} per processor'
          description: 'For 15 minutes more than two processes have been waiting for each processor of {{ $labels.instance }}.'
          summary_zh: '{{ $labels.instance }} 的每核负载为 {{ printf "%.1f" $value }}'
          description_zh: '{{ $labels.instance }} 连续 15 分钟每个处理器有两个以上进程在等待。'

      - alert: HostLowMemory
        expr: 100 * node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 10
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: 'Only {{ printf "%.1f" $value }} % of memory is available on {{ $labels.instance }}'
          description: 'Less than 10 % of the memory of {{ $labels.instance }} has been available for 5 minutes.'
          summary_zh: '{{ $labels.instance }} 可用内存仅剩 {{ printf "%.1f" $value }} %'
          description_zh: '{{ $labels.instance }} 的可用内存已连续 5 分钟低于 10 %。'

      - alert: HostSwapFull
        expr: 100 * node_memory_SwapFree_bytes / (node_memory_SwapTotal_bytes > 0) < 20
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: 'Only {{ printf "%.1f" $value }} % of swap is free on {{ $labels.instance }}'
          description: 'More than 80 % of the swap space of {{ $labels.instance }} has been in use for 5 minutes.'
          summary_zh: '{{ $labels.instance }} 交换空间仅剩 {{ printf "%.1f" $value }} %'
          description_zh: '{{ $labels.instance }} 的交换空间使用率已连续 5 分钟超过 80 %。'

      - alert: HostDiskFull
        expr: 100 * node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|squashfs|iso9660|overlay"} / node_filesystem_size_bytes < 10 and node_filesystem_readonly == 0
        for: 5m
        labels:
          severity: critical
        annotations:
          summary: '{{ $labels.mountpoint }} of {{ $labels.instance }} has {{ printf "%.1f" $value }} % left'
          description: 'The file system {{ $labels.device }} at {{ $labels.mountpoint }} of {{ $labels.instance }} has had less than 10 % of its space left for 5 minutes.'
          summary_zh: '{{ $labels.instance }} 的 {{ $labels.mountpoint }} 仅剩 {{ printf "%.1f" $value }} % 空间'
          description_zh: '{{ $labels.instance }} 上挂载于 {{ $labels.mountpoint }} 的文件系统 {{ $labels.device }} 剩余空间已连续 5 分钟低于 10 %。'

      - alert: HostDiskFilling
        expr: predict_linear(node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|squashfs|iso9660|overlay"}[1h], 86400) < 0 and 100 * node_filesystem_avail_bytes / node_filesystem_size_bytes < 40 and node_filesystem_readonly == 0
        for: 30m
        labels:
          severity: warning
        annotations:
          summary: '{{ $labels.mountpoint }} of {{ $labels.instance }} will be full within a day'
          description: 'At the pace of the last hour the file system {{ $labels.device }} at {{ $labels.mountpoint }} of {{ $labels.instance }} is full within 24 hours.'
          summary_zh: '{{ $labels.instance }} 的 {{ $labels.mountpoint }} 将在一天内写满'
          description_zh: '按最近一小时的增长速度，{{ $labels.instance }} 上的 {{ $labels.mountpoint }}（{{ $labels.device }}）将在 24 小时内写满。'

      - alert: HostInodesLow
        expr: 100 * node_filesystem_files_free{fstype!~"tmpfs|ramfs|squashfs|iso9660|overlay"} / (node_filesystem_files > 0) < 10 and node_filesystem_readonly == 0
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: '{{ $labels.mountpoint }} of {{ $labels.instance }} has {{ printf "%.1f" $value }} % of its inodes left'
          description: 'The file system {{ $labels.device }} at {{ $labels.mountpoint }} of {{ $labels.instance }} runs out of inodes: no new files can be created then.'
          summary_zh: '{{ $labels.instance }} 的 {{ $labels.mountpoint }} 仅剩 {{ printf "%.1f" $value }} % inode'
          description_zh: '{{ $labels.instance }} 上 {{ $labels.mountpoint }} 的 inode 即将用尽，届时无法创建新文件。'

      - alert: HostNetworkErrors
        expr: sum by (instance, job, device) (rate(node_network_receive_errs_total[5m]) + rate(node_network_transmit_errs_total[5m])) > 1
        for: 10m
        labels:
          severity: warning
        annotations:
          summary: 'Network interface {{ $labels.device }} of {{ $labels.instance }} has {{ humanize $value }} errors a second'
          description: 'The interface {{ $labels.device }} of {{ $labels.instance }} has been losing packets to errors for 10 minutes: cable, port, driver or duplex setting.'
          summary_zh: '{{ $labels.instance }} 的网卡 {{ $labels.device }} 每秒出现 {{ humanize $value }} 个错误'
          description_zh: '{{ $labels.instance }} 的网卡 {{ $labels.device }} 连续 10 分钟出现收发错误，请检查网线、端口、驱动或双工设置。'

      - alert: HostClockSkew
        expr: abs(node_timex_offset_seconds) > 0.05 or max_over_time(node_timex_sync_status[10m]) == 0 and node_timex_maxerror_seconds >= 16
        for: 10m
        labels:
          severity: warning
        annotations:
          summary: 'The clock of {{ $labels.instance }} is not right'
          description: 'The clock of {{ $labels.instance }} is off by more than 50 ms, or has not been synchronised for 10 minutes. Check its time service (chrony, systemd-timesyncd, ntpd).'
          summary_zh: '{{ $labels.instance }} 的系统时钟不准'
          description_zh: '{{ $labels.instance }} 的时钟偏差超过 50 毫秒，或已连续 10 分钟未同步。请检查时间服务（chrony、systemd-timesyncd、ntpd）。'

      - alert: HostUnitFailed
        expr: node_systemd_unit_state{state="failed"} == 1
        for: 2m
        labels:
          severity: warning
        annotations:
          summary: 'Unit {{ $labels.name }} of {{ $labels.instance }} has failed'
          description: 'The systemd unit {{ $labels.name }} of {{ $labels.instance }} is in the state "failed". Look at: systemctl status {{ $labels.name }}'
          summary_zh: '{{ $labels.instance }} 的服务单元 {{ $labels.name }} 已失败'
          description_zh: '{{ $labels.instance }} 的 systemd 单元 {{ $labels.name }} 处于 failed 状态。请执行：systemctl status {{ $labels.name }}'

  - name: stock-watchkeeper
    rules:
      - alert: WatchkeeperReceiverFailing
        expr: watchkeeper_receiver_consecutive_failures >= 3
        labels:
          severity: critical
        annotations:
          summary: 'Receiver {{ $labels.receiver }} has failed {{ $value }} times in a row'
          description: 'Watchkeeper could not deliver to the receiver {{ $labels.receiver }}. Look at its delivery log, and make sure it has a fallback.'
          summary_zh: '接收者 {{ $labels.receiver }} 已连续失败 {{ $value }} 次'
          description_zh: 'Watchkeeper 无法向接收者 {{ $labels.receiver }} 投递通知。请查看投递日志，并确认已配置后备接收者。'

      - alert: WatchkeeperAlertmanagerFailing
        expr: increase(watchkeeper_alertmanager_errors_total[5m]) > 0 and on(alertmanager) watchkeeper_alertmanager_queue_length > 0
        for: 2m
        labels:
          severity: critical
        annotations:
          summary: 'The Alertmanager at {{ $labels.alertmanager }} does not take alerts'
          description: 'Alerts have waited for the Alertmanager at {{ $labels.alertmanager }} for 2 minutes. Its log and its address in the section "alerting" say more; other receivers are not affected.'
          summary_zh: '位于 {{ $labels.alertmanager }} 的 Alertmanager 不接收告警'
          description_zh: '发往 {{ $labels.alertmanager }} 的告警已等待 2 分钟。请检查该 Alertmanager 的日志以及配置中 "alerting" 段的地址；其他接收者不受影响。'

      - alert: WatchkeeperNotificationsUndelivered
        expr: sum by (receiver, integration) (increase(watchkeeper_notifications_undelivered_total[15m])) > 0
        labels:
          severity: critical
        annotations:
          summary: 'Messages of the receiver {{ $labels.receiver }} were not delivered'
          description: 'Within the last 15 minutes messages for {{ $labels.receiver }} ({{ $labels.integration }}) reached neither it nor a fallback. The delivery log says which and why.'
          summary_zh: '接收者 {{ $labels.receiver }} 的通知未送达'
          description_zh: '最近 15 分钟内，发往 {{ $labels.receiver }}（{{ $labels.integration }}）的通知既未送达该接收者，也未送达后备接收者。原因见投递日志。'

      - alert: WatchkeeperReceiverNotCarriedOut
        expr: sum by (receiver, integration) (increase(watchkeeper_notifications_not_carried_out_total[1h])) > 0
        labels:
          severity: critical
        annotations:
          summary: 'Watchkeeper cannot send to {{ $labels.integration }}, which the receiver {{ $labels.receiver }} asks for'
          description: 'There are messages for {{ $labels.receiver }} by {{ $labels.integration }}, which this version reads and does not send to. They go to the fallback of the receiver, if it has one. Give it another way, or a fallback.'
          summary_zh: 'Watchkeeper 不支持接收者 {{ $labels.receiver }} 的 {{ $labels.integration }} 渠道'
          description_zh: '有通知需经 {{ $labels.integration }} 发往 {{ $labels.receiver }}，但此版本只读取该配置而不发送，通知会转给后备接收者（若已配置）。请改用其他渠道或配置后备接收者。'

      - alert: WatchkeeperLimitReached
        expr: increase(watchkeeper_limit_reached_total[10m]) > 0
        labels:
          severity: warning
        annotations:
          summary: 'Watchkeeper reached its limit "{{ $labels.limit }}"'
          description: 'The limit "{{ $labels.limit }}" was reached within the last 10 minutes: what is beyond it was refused or dropped.'
          summary_zh: 'Watchkeeper 达到限制 "{{ $labels.limit }}"'
          description_zh: '最近 10 分钟内达到限制 "{{ $labels.limit }}"，超出部分已被拒绝或丢弃。'

      - alert: WatchkeeperStoragePaused
        expr: watchkeeper_storage_paused == 1
        labels:
          severity: critical
        annotations:
          summary: 'Watchkeeper has paused the ingestion of samples'
          description: 'New samples are not stored, mostly because the disk is full. Queries and alerting go on with what is there; ingestion resumes by itself.'
          summary_zh: 'Watchkeeper 已暂停写入样本'
          description_zh: '新样本未被存储，通常是因为磁盘已满。查询和告警继续运行，空间恢复后会自动继续写入。'

      - alert: WatchkeeperRuleFailures
        expr: increase(watchkeeper_rule_evaluation_failures_total[10m]) > 0
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: 'Rules of the group {{ $labels.rule_group }} cannot be evaluated'
          description: 'Evaluations in {{ $labels.rule_group }} have failed within the last 10 minutes: alerts of this group may be missing. The rules page shows the error.'
          summary_zh: '规则组 {{ $labels.rule_group }} 无法计算'
          description_zh: '最近 10 分钟内 {{ $labels.rule_group }} 的规则计算失败，该组的告警可能缺失。错误信息见规则页面。'

      - alert: WatchkeeperRuleGroupLate
        expr: increase(watchkeeper_rule_group_iterations_missed_total[10m]) > 2
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: 'The rule group {{ $labels.rule_group }} is evaluated too late'
          description: 'The group {{ $labels.rule_group }} takes longer than its interval: evaluations are left out. Lengthen its interval or split it.'
          summary_zh: '规则组 {{ $labels.rule_group }} 计算延迟'
          description_zh: '规则组 {{ $labels.rule_group }} 的计算耗时超过其间隔，部分计算被跳过。请延长间隔或拆分规则组。'
`;
