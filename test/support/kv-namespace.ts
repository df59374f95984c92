/** Gives a location of the KV double the type of the KV binding. */

import { KvLocation } from './kv-double.ts'

/** Supports only text and JSON values of single keys, because the gateway uses no others. */
export function asKVNamespace(location: KvLocation): KVNamespace {
  if (!isNamespace(location)) throw new TypeError('the location is not part of the KV double')
  return location
}

function isNamespace(namespace: unknown): namespace is KVNamespace {
  return namespace instanceof KvLocation
}
