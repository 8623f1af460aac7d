// The words of messages, in Go template syntax, English and Chinese. They are defined under names, so that a person's
// own templates can use them: email.default.subject, email.default.html, email.default.text, sms.default.text.

export type Language = 'en' | 'zh';

interface Words {
  readonly firing: string;
  readonly resolved: string;
  readonly repeat: string;
  readonly test: string;
  readonly reason: string;
  readonly recovery: string;
  readonly since: string;
  readonly more: string;
  readonly moreAfter: string;
  readonly source: string;
  readonly open: string;
}

const WORDS: Readonly<Record<Language, Words>> = {
  en: {
    firing: 'FIRING',
    resolved: 'RESOLVED',
    repeat: 'Possible repeat: the delivery of this message was interrupted, you may have received it before.',
    test: 'This is a test message. Nothing is wrong.',
    reason: 'Why now',
    recovery: 'What recovery tried',
    since: 'since',
    more: 'and',
    moreAfter: 'more alerts',
    source: 'Source',
    open: 'Open Watchkeeper',
  },
  zh: {
    firing: '告警',
    resolved: '恢复',
    repeat: '可能重复:此消息的发送曾被中断,您可能已经收到过。',
    test: '这是一条测试消息,一切正常。',
    reason: '发送原因',
    recovery: '已尝试的自动恢复',
    since: '开始于',
    more: '另有',
    moreAfter: '条告警',
    source: '来源',
    open: '打开 Watchkeeper',
  },
};

/** Template texts that define the default messages of both languages; the names with `default` are English. */
export function defaultTemplates(): readonly string[] {
  return (['en', 'zh'] as const).flatMap(language => {
    const words = WORDS[language];
    const names = language === 'en' ? ['default', 'en'] : [language];
    return names.flatMap(name => [
      define(`email.${name}.subject`, subject(words)),
      define(`email.${name}.text`, body(words)),
      define(`email.${name}.html`, html(words)),
      define(`sms.${name}.text`, sms(words)),
    ]);
  });
}

/** How a message asks for its default: `{{ template "email.zh.subject" . }}`. */
export function defaultTemplate(part: 'subject' | 'text' | 'html' | 'sms', language: Language): string {
  const name = part === 'sms' ? `sms.${language}.text` : `email.${language}.${part}`;
  return `{{ template "${name}" . }}`;
}

function define(name: string, text: string): string {
  return `{{ define "${name}" }}${text}{{ end }}`;
}

const NAMES = '{{ range $i, $p := .GroupLabels.SortedPairs }}{{ if $i }} {{ end }}{{ $p.Value }}{{ end }}';

function status(words: Words): string {
  return `{{ if eq .Status "firing" }}${words.firing}:{{ len .Alerts.Firing }}{{ else }}${words.resolved}{{ end }}`;
}

function subject(words: Words): string {
  const mark = `{{ if .IsTest }}[TEST] {{ end }}{{ if .PossibleRepeat }}[?] {{ end }}`;
  const title = `{{ if .GroupLabels.SortedPairs }}${NAMES}{{ else }}{{ .CommonLabels.alertname }}{{ end }}`;
  return `${mark}[${status(words)}] ${title}{{ with .CommonAnnotations.summary }} - {{ . }}{{ end }}`;
}

function body(words: Words): string {
  const alert =
    `{{ range $p := .Labels.SortedPairs }}  {{ $p.Name }} = {{ $p.Value }}\n{{ end }}` +
    `{{ range $p := .Annotations.SortedPairs }}  {{ $p.Name }}: {{ $p.Value }}\n{{ end }}` +
    `  ${words.since} {{ .StartsAt | date "2006-01-02 15:04:05 MST" }}\n` +
    `{{ if .GeneratorURL }}  ${words.source}: {{ .GeneratorURL }}\n{{ end }}\n`;
  return (
    `{{ if .IsTest }}${words.test}\n\n{{ end }}` +
    `{{ if .PossibleRepeat }}${words.repeat}\n\n{{ end }}` +
    `{{ if .RecoveryReport }}${words.recovery}:\n{{ .RecoveryReport }}\n\n{{ end }}` +
    `{{ range .Alerts.Firing }}${words.firing}\n${alert}{{ end }}` +
    `{{ range .Alerts.Resolved }}${words.resolved}\n${alert}{{ end }}` +
    `{{ if .TruncatedAlerts }}${words.more} {{ .TruncatedAlerts }} ${words.moreAfter}\n{{ end }}` +
    `${words.reason}: {{ .Reason }}\n` +
    `{{ if .ExternalURL }}${words.open}: {{ .ExternalURL }}\n{{ end }}`
  );
}

/** Mail readers know no style sheets: attributes only. Inserted values are escaped by the HTML mode. */
function html(words: Words): string {
  const pairs = (of: string, cell: string): string =>
    `{{ range $p := .${of}.SortedPairs }}<tr><td ${cell}>{{ $p.Name }}</td><td>{{ $p.Value }}</td></tr>{{ end }}`;
  const grey = 'style="color:#667;padding-right:12px"';
  const alert = (word: string, colour: string): string =>
    `<div style="border-left:4px solid ${colour};padding:4px 12px;margin:12px 0"><b>${word}</b>` +
    `<table style="font-size:14px">${pairs('Labels', grey)}${pairs('Annotations', grey)}` +
    `<tr><td ${grey}>${words.since}</td><td>{{ .StartsAt | date "2006-01-02 15:04:05 MST" }}</td></tr></table>` +
    `{{ if .GeneratorURL }}<a href="{{ .GeneratorURL }}">${words.source}</a>{{ end }}</div>`;
  return (
    `<div style="font-family:sans-serif;font-size:14px;color:#223">` +
    `{{ if .IsTest }}<p><b>${words.test}</b></p>{{ end }}` +
    `{{ if .PossibleRepeat }}<p><b>${words.repeat}</b></p>{{ end }}` +
    `{{ if .RecoveryReport }}<p>${words.recovery}:</p><pre>{{ .RecoveryReport }}</pre>{{ end }}` +
    `{{ range .Alerts.Firing }}${alert(words.firing, '#c33')}{{ end }}` +
    `{{ range .Alerts.Resolved }}${alert(words.resolved, '#3a3')}{{ end }}` +
    `{{ if .TruncatedAlerts }}<p>${words.more} {{ .TruncatedAlerts }} ${words.moreAfter}</p>{{ end }}` +
    `<p style="color:#667">${words.reason}: {{ .Reason }}</p>` +
    `{{ if .ExternalURL }}<p><a href="{{ .ExternalURL }}">${words.open}</a></p>{{ end }}</div>`
  );
}

function sms(words: Words): string {
  return (
    `{{ if .IsTest }}[TEST] {{ end }}{{ if .PossibleRepeat }}[?] {{ end }}[${status(words)}] ` +
    `{{ .CommonLabels.alertname }}{{ with .CommonLabels.instance }} {{ . }}{{ end }}` +
    `{{ with .CommonAnnotations.summary }}: {{ . }}{{ end }}`
  );
}
