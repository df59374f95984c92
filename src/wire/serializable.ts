/** Whether a parsed body can be serialised again. The binding does that, and a value that it cannot write fails the call. */

/** Levels of arrays and objects in a body. `JSON.stringify` overflows the stack at a few thousand levels, which would be a 502. */
export const JSON_LEVELS_MAX = 200

/** False where the value is too deep, or has a number beyond the range: `1e400` is read as Infinity, and written as null. */
export function isSerializable(value: unknown, levels: number = JSON_LEVELS_MAX): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  const inners: unknown[] = Object.values(value)
  for (const inner of inners) {
    // Most values are texts, and a call for each would take as long as the rest.
    if (typeof inner !== 'string' && !isSerializable(inner, levels - 1)) return false
  }
  return true
}
