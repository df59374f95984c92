/** Cursors: the position of a page's last row, as text that fits into a URL. Pure. */

/** Longer than any cursor that the directory gives. */
export const CURSOR_LENGTH_MAX = 2_000

export function encodeCursor(position: readonly (string | number)[]): string {
  return new TextEncoder().encode(JSON.stringify(position)).toBase64({ alphabet: 'base64url' })
}

/** The position, to be parsed by its list; `null` for a text that `encodeCursor` has not made. */
export function decodeCursor(text: string): unknown {
  if (text.length > CURSOR_LENGTH_MAX) return null
  try {
    return JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(text, { alphabet: 'base64url' })))
  } catch {
    return null
  }
}
