/** Gives a location of the KV double the type of the binding, for code under test that takes one. */

import { KvLocation } from './kv-double.ts'

/** Only text and JSON values of single keys work: what the gateway uses. */
export function asKVNamespace(location: KvLocation): KVNamespace {
  if (!isNamespace(location)) throw new TypeError('not a location of the KV double')
  return location
}

function isNamespace(namespace: unknown): namespace is KVNamespace {
  return namespace instanceof KvLocation
}
