/** A field of anything that came from outside; `undefined` where there is none. For data that only has to be looked at. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
