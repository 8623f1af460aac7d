// The default templates, in Go template syntax, under the names that Alertmanager's configurations and people's own
// templates refer to: `slack.default.title`, `__subject` and so on. The wording is ours. They use nothing but
// Alertmanager's data and functions, so that its tools render them alike; what only we know (a test, a possible repeat,
// why now) is put around them (frame.ts). Each has a Chinese sibling: `slack.zh.title`, `__subject_zh`.

import { htmlBody } from './texts-html.ts';
import { type Language, WORDS, type Words } from './words.ts';

const LANGUAGES = ['en', 'zh'] as const;

/** Template texts that define the default messages of both languages; the names with `default` are English. */
export function defaultTemplates(): readonly string[] {
  return LANGUAGES.flatMap(language => {
    const words = WORDS[language];
    const suffix = suffixOf(language);
    const shared = Object.entries(sharedParts(words, suffix)).map(([name, text]) =>
      define(`__${name}${suffix}`, text),
    );
    const parts = Object.entries(channelParts(words, suffix));
    const names = language === 'en' ? ['default', 'en'] : [language];
    return [
      ...shared,
      ...names.flatMap(name => parts.map(([part, text]) => define(part.replace('.', `.${name}.`), text))),
    ];
  });
}

/** How a message asks for its default: `{{ template "email.zh.subject" . }}`. `part` is such as "email.subject". */
export function defaultTemplate(part: string, language: Language): string {
  return call(part.replace('.', `.${language === 'en' ? 'default' : language}.`));
}

function suffixOf(language: Language): string {
  return language === 'en' ? '' : `_${language}`;
}

function define(name: string, text: string): string {
  return `{{ define "${name}" }}${text}{{ end }}`;
}

function call(name: string, dot = '.'): string {
  return `{{ template "${name}" ${dot} }}`;
}

// --- what several channels share -------------------------------------------------------------------

const GROUP = '{{ range $i, $p := .GroupLabels.SortedPairs }}{{ if $i }} {{ end }}{{ $p.Value }}{{ end }}';

function statusText(words: Words): string {
  return `{{ if eq .Status "firing" }}${words.firing}:{{ len .Alerts.Firing }}{{ else }}${words.resolved}{{ end }}`;
}

/** The Chinese messages take the Chinese summary where the rule has one, as the stock rules do. */
function summaryOf(dot: string, suffix: string): string {
  const plain = `{{ with ${dot}.summary }}`;
  return suffix === '' ? plain : `{{ with or ${dot}.summary${suffix} ${dot}.summary }}`;
}

function subject(words: Words, suffix: string): string {
  const title = `{{ if .GroupLabels.SortedPairs }}${GROUP}{{ else }}{{ .CommonLabels.alertname }}{{ end }}`;
  return `[${statusText(words)}] ${title}${summaryOf('.CommonAnnotations', suffix)} - {{ . }}{{ end }}`;
}

const TIME = '.Format "2006-01-02 15:04:05 MST"';

function sharedParts(words: Words, suffix: string): Readonly<Record<string, string>> {
  return {
    alertmanager: 'Watchkeeper',
    alertmanagerURL: '{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}',
    subject: subject(words, suffix),
    description: '',
    // The dot of both lists is a list of alerts.
    text_alert_list:
      `{{ range . }}` +
      `{{ range .Labels.SortedPairs }}  {{ .Name }} = {{ .Value }}\n{{ end }}` +
      `{{ range .Annotations.SortedPairs }}  {{ .Name }}: {{ .Value }}\n{{ end }}` +
      `  ${words.since} {{ .StartsAt${TIME} }}` +
      `{{ if eq .Status "resolved" }}, ${words.until} {{ .EndsAt${TIME} }}{{ end }}\n` +
      `{{ with .GeneratorURL }}  ${words.source}: {{ . }}\n{{ end }}\n{{ end }}`,
    text_alert_list_markdown:
      `{{ range . }}` +
      `{{ range .Labels.SortedPairs }}- **{{ .Name }}**: {{ .Value }}\n{{ end }}` +
      `{{ range .Annotations.SortedPairs }}- {{ .Name }}: {{ .Value }}\n{{ end }}` +
      `- ${words.since} {{ .StartsAt${TIME} }}\n` +
      `{{ with .GeneratorURL }}- [${words.source}]({{ . }})\n{{ end }}\n{{ end }}`,
  };
}

// --- each channel's texts --------------------------------------------------------------------------

/** By "channel.part"; the language's name is put between the two. */
function channelParts(words: Words, suffix: string): Readonly<Record<string, string>> {
  const title = call(`__subject${suffix}`);
  const name = call(`__alertmanager${suffix}`);
  const link = call(`__alertmanagerURL${suffix}`);
  const lists = (list: string, before = ''): string =>
    `{{ if .Alerts.Firing }}${before}${words.firing}\n${call(`__${list}${suffix}`, '.Alerts.Firing')}{{ end }}` +
    `{{ if .Alerts.Resolved }}${before}${words.resolved}\n${call(`__${list}${suffix}`, '.Alerts.Resolved')}{{ end }}`;
  const plain = lists('text_alert_list');
  const markdown = lists('text_alert_list_markdown', '# ');
  const titled = `${title}\n${plain}`;
  const chat = { title, titlelink: link, username: name, fallback: `${title} | ${link}` };
  return {
    'email.subject': title,
    'email.text': `${plain}{{ if .ExternalURL }}${words.open}: {{ .ExternalURL }}\n{{ end }}`,
    'email.html': htmlBody(words),
    'sms.text':
      `[${statusText(words)}] {{ .CommonLabels.alertname }}{{ with .CommonLabels.instance }} {{ . }}{{ end }}` +
      `${summaryOf('.CommonAnnotations', suffix)}: {{ . }}{{ end }}`,
    ...prefixed('slack', { ...chat, text: slackText(words, suffix), color: SLACK_COLOUR }),
    ...prefixed('slack', { callbackid: '', pretext: '', iconemoji: '', iconurl: '', footer: '' }),
    ...prefixed('mattermost', {
      ...chat,
      text: markdown,
      color: '{{ if .Alerts.Firing }}#cc3333{{ else }}#33aa33{{ end }}',
    }),
    ...prefixed('rocketchat', { ...chat, text: plain, alias: name, emoji: '', iconurl: '' }),
    ...prefixed('pagerduty', { description: title, client: name, clientURL: link }),
    // Its dot is a list of alerts.
    'pagerduty.instances': call(`__text_alert_list${suffix}`),
    ...prefixed('opsgenie', { message: title, description: plain, source: link }),
    ...prefixed('victorops', {
      state_message: `${title} | ${link}`,
      entity_display_name: title,
      monitoring_tool: name,
    }),
    ...prefixed('pushover', { title, message: plain, url: link }),
    ...prefixed('wechat', {
      message: `${titled}${link}`,
      to_user: '',
      to_party: '',
      to_tag: '',
      agent_id: '',
    }),
    ...prefixed('sns', { subject: title, message: plain }),
    'telegram.message': titled,
    'webex.message': `${title}\n${markdown}`,
    ...prefixed('discord', { title, message: plain }),
    ...prefixed('msteams', { title, summary: title, text: markdown }),
    ...prefixed('msteamsv2', { title, text: markdown }),
    ...prefixed('jira', { summary: title, description: markdown, priority: JIRA_PRIORITY }),
  };
}

function prefixed(
  channel: string,
  parts: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(parts).map(([part, text]) => [`${channel}.${part}`, text]));
}

const SLACK_COLOUR = '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}';

/** Slack's own three signs: a value may neither mention a channel nor make a link. */
function slackSafe(value: string): string {
  return `{{ ${value} | reReplaceAll "&" "&amp;" | reReplaceAll "<" "&lt;" | reReplaceAll ">" "&gt;" }}`;
}

function slackText(words: Words, suffix: string): string {
  const alert =
    `${summaryOf('.Annotations', suffix)}*${slackSafe('.')}*\n{{ end }}` +
    `{{ range .Labels.SortedPairs }}• ${slackSafe('.Name')}: ${slackSafe('.Value')}\n{{ end }}` +
    `${words.since} {{ .StartsAt${TIME} }}{{ with .GeneratorURL }} <{{ . }}|${words.source}>{{ end }}\n\n`;
  return (
    `{{ range .Alerts.Firing }}${alert}{{ end }}` +
    `{{ range .Alerts.Resolved }}${words.resolved}\n${alert}{{ end }}`
  );
}

const JIRA_PRIORITY =
  '{{ $p := "" }}{{ range .Alerts }}{{ $s := .Labels.severity }}' +
  '{{ if eq $s "critical" }}{{ $p = "High" }}' +
  '{{ else if and (eq $s "warning") (ne $p "High") }}{{ $p = "Medium" }}' +
  '{{ else if and (eq $s "info") (eq $p "") }}{{ $p = "Low" }}{{ end }}{{ end }}{{ $p }}';
