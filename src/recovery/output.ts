// What a command printed, made fit for the journal: bounded, readable, and without the secrets it was given.

/** The end of an output tells most; this many characters of it are kept. */
const KEPT_CHARS = 4000;
/** Shorter values of environment variables are too common as plain text to be blotted out. */
const SECRET_CHARS_MIN = 6;

const SECRET_PATTERNS: readonly RegExp[] = [
  /((?:password|passwd|secret|token|api[_-]?key|authorization)["']?\s*[:=]\s*["']?(?:bearer |basic )?)[^\s"',;]+/gi,
  /(:\/\/[^\s/:@]+:)[^\s/@]+(?=@)/g,
];

export function boundedOutput(
  parts: readonly Uint8Array[],
  options: { readonly truncated: boolean; readonly secrets: readonly string[] },
): string {
  const decoder = new TextDecoder();
  let text = parts
    .map(part => decoder.decode(part).trimEnd())
    .filter(part => part !== '')
    .join('\n');
  for (const secret of options.secrets) {
    if (secret.length >= SECRET_CHARS_MIN) text = text.replaceAll(secret, '<redacted>');
  }
  for (const pattern of SECRET_PATTERNS) text = text.replace(pattern, '$1<redacted>');
  if (text.length <= KEPT_CHARS) return options.truncated ? `${text}\n… (output was longer)` : text;
  return `… (${text.length - KEPT_CHARS} characters left out)\n${text.slice(-KEPT_CHARS)}`;
}
