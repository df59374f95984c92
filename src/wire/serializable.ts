/** Whether a body that was parsed can be written again: the binding does that, and what it cannot write is a failed call. */

/** Levels of arrays and objects in a body. `JSON.stringify` overflows the stack at a few thousand, and is then a 502. */
export const JSON_LEVELS_MAX = 200

/** False where it is too deep, or where a number was too large to be one: `1e400` is read as Infinity, and written as null. */
export function isSerializable(value: unknown, levels: number = JSON_LEVELS_MAX): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((inner) => isSerializable(inner, levels - 1))
}
