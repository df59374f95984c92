/** A bounded memory: it forgets the least recently used entry. An isolate may lose all of it at any time. */

/** The value of a key, created where there is none. A Map keeps the order of insertion, and so the first entry goes. */
export function getOrCreate<Value>(
  entries: Map<string, Value>,
  key: string,
  entriesMax: number,
  create: () => Value,
): Value {
  const value = entries.get(key) ?? create()
  entries.delete(key)
  const oldest = entries.size >= entriesMax ? entries.keys().next().value : undefined
  if (oldest !== undefined) entries.delete(oldest)
  entries.set(key, value)
  return value
}
