// Prometheus's YAML reader takes quoted values that go on in lines no deeper than their key; YAML itself, and our
// reader, want them deeper. Such lines are indented before the text is read: folding drops the blanks again.

/** A key whose quoted value does not end on its line. */
const OPENS = /^( *(?:- +)*)[\w-]+: +(?:"((?:[^"\\]|\\.)*\\?)|'((?:[^']|'')*))$/;

/** The same lines with continued quoted values indented below their key; line numbers stay. */
export function indentQuotedLines(text: string): string {
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const opened = OPENS.exec(lines[i] ?? '');
    if (opened === null) continue;
    const quote = opened[2] === undefined ? "'" : '"';
    const indent = ' '.repeat((opened[1] ?? '').length + 2);
    const end = closingLine(lines, i + 1, quote);
    if (end === undefined) continue;
    for (let j = i + 1; j <= end; j++) {
      const line = lines[j] ?? '';
      if (line.trim() !== '' && !line.startsWith(indent)) lines[j] = indent + line.trimStart();
    }
    i = end;
  }
  return lines.join('\n');
}

/** The line that holds nothing behind the closing quote but a comment. */
function closingLine(lines: readonly string[], from: number, quote: string): number | undefined {
  const plain = quote === '"' ? /^(?:[^"\\]|\\.)*\\?$/ : /^(?:[^']|'')*$/;
  const closing = quote === '"' ? /^(?:[^"\\]|\\.)*"\s*(?:#.*)?$/ : /^(?:[^']|'')*'\s*(?:#.*)?$/;
  for (let i = from; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (closing.test(line)) return i;
    if (!plain.test(line)) return undefined;
  }
  return undefined;
}
