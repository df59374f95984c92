/** Comma-separated values by RFC 4180, for programs and for spreadsheets. Pure. */

/** A line with its end. Numbers and dates of ours are given as they are, and texts of others through `plainText`. */
export function csvLine(fields: readonly string[]): string {
  return `${fields.map(quoted).join(',')}\r\n`
}

/**
 * The text with an apostrophe before each sign that a spreadsheet would read as the beginning of a formula. Such a sign stands
 * first, or behind a separator, since some regions separate by semicolons. https://owasp.org/www-community/attacks/CSV_Injection
 * The four full-width signs are escaped: V8 would keep the whole bundle as text of two bytes a character because of one sign.
 */
export function plainText(text: string): string {
  return text.replace(/(?<=(?:^|[,;|\t\r\n])[\s"]*)[=+\-@\uff1d\uff0b\uff0d\uff20]/g, "'$&")
}

function quoted(field: string): string {
  return /[",;\r\n\t]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}
