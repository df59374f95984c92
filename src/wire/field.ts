/** A field of any value from outside; `undefined` where there is none. It serves data that needs no schema. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
