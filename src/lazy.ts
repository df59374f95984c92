/** A value that is made at its first use. An isolate starts sooner without the values that few isolates need. */
export function lazy<Value>(make: () => Value): () => Value {
  let made: { value: Value } | null = null
  return () => (made ??= { value: make() }).value
}
