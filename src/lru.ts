/** A memory of so many entries at most: what an isolate keeps by key, and may lose at any time. */

/** The value of a key, made where there is none. The least recently used one makes room: a Map keeps the order. */
export function getOrCreate<Value>(
  memory: Map<string, Value>,
  key: string,
  entriesMax: number,
  make: () => Value,
): Value {
  const value = memory.get(key) ?? make()
  memory.delete(key)
  const oldest = memory.size >= entriesMax ? memory.keys().next().value : undefined
  if (oldest !== undefined) memory.delete(oldest)
  memory.set(key, value)
  return value
}
