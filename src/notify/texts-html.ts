// The HTML part of a mail. Mail readers know no style sheets: attributes only. Inserted values are escaped by the HTML
// mode of whoever renders it.

import type { Words } from './words.ts';

const TIME = '.Format "2006-01-02 15:04:05 MST"';
const GREY = 'style="color:#667;padding-right:12px"';

export function htmlBody(words: Words): string {
  return (
    `<div style="font-family:sans-serif;font-size:14px;color:#223">` +
    `{{ range .Alerts.Firing }}${alertBox(words, words.firing, '#c33')}{{ end }}` +
    `{{ range .Alerts.Resolved }}${alertBox(words, words.resolved, '#3a3')}{{ end }}` +
    `{{ if .ExternalURL }}<p><a href="{{ .ExternalURL }}">${words.open}</a></p>{{ end }}</div>`
  );
}

function alertBox(words: Words, word: string, colour: string): string {
  const pairs = (of: string): string =>
    `{{ range .${of}.SortedPairs }}<tr><td ${GREY}>{{ .Name }}</td><td>{{ .Value }}</td></tr>{{ end }}`;
  return (
    `<div style="border-left:4px solid ${colour};padding:4px 12px;margin:12px 0"><b>${word}</b>` +
    `<table style="font-size:14px">${pairs('Labels')}${pairs('Annotations')}` +
    `<tr><td ${GREY}>${words.since}</td><td>{{ .StartsAt${TIME} }}</td></tr></table>` +
    `{{ if .GeneratorURL }}<a href="{{ .GeneratorURL }}">${words.source}</a>{{ end }}</div>`
  );
}
