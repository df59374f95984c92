/** Cursors: the position of a page's last row, as text that fits into a URL. Pure. */

import * as z from 'zod/mini'

/** Longer than any cursor that the directory gives. */
export const CURSOR_LENGTH_MAX = 2_000

export function encodeCursor(position: readonly (string | number)[]): string {
  return new TextEncoder().encode(JSON.stringify(position)).toBase64({ alphabet: 'base64url' })
}

/** The position; empty for a text that `encodeCursor` has not made. */
export function decodeCursor(text: string): readonly (string | number)[] {
  if (text.length > CURSOR_LENGTH_MAX) return []
  try {
    const json = new TextDecoder().decode(Uint8Array.fromBase64(text, { alphabet: 'base64url' }))
    return position.parse(JSON.parse(json))
  } catch {
    return []
  }
}

const position = z.lazy(() => z.array(z.union([z.string(), z.number()])))
