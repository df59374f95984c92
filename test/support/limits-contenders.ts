/** The limiters that the simulation compares: the gateway's, and the two obvious designs. */

import { createShardStore } from '../../src/limits/shard-store.ts'
import type { Mode } from '../../src/limits/limits.ts'
import { createLimiter } from '../../src/limits/limiter.ts'
import { RollingWindow } from '../../src/limits/rolling-window.ts'
import type { Contender } from './limits-simulation.ts'

const MINUTE_MS = 60_000
const KEY_ID = 'key'

/** The gateway's limiter. With `tokens` each request costs that many, and the limit is one of tokens: `limit` × `tokens`. */
export function fleetShare(mode: Mode = 'balanced', tokens = 0): Contender {
  return {
    name: `fleet-share (${mode})`,
    isolate({ name, limit, kv, random, clock }) {
      const limits =
        tokens > 0 ? { tokensPerMinute: limit * tokens, mode } : { requestsPerMinute: limit, mode }
      const limiter = createLimiter({
        shards: createShardStore(kv),
        isolateId: name,
        random,
        clock,
      })
      return (waitUntil) =>
        limiter.check(KEY_ID, limits, { requests: 1, tokens }, clock(), waitUntil).admitted
    },
  }
}

/** Each isolate counts alone. */
export const memoryOnly: Contender = {
  name: 'memory only',
  isolate({ limit, clock }) {
    const window = new RollingWindow()
    return () => {
      window.roll(clock())
      if (window.admitted >= limit) return false
      window.admit(1)
      return true
    }
  },
}

/** A counter for each minute in one KV key: get, add one, put, before the answer. It admits a request if the put fails. */
export const getAndPut: Contender = {
  name: 'get + put, one key',
  isolate({ limit, kv, clock }) {
    return async () => {
      const name = `count:${KEY_ID}:${Math.floor(clock() / MINUTE_MS)}`
      const count = Number(await kv.get(name))
      if (count >= limit) return false
      try {
        await kv.put(name, String(count + 1), { expirationTtl: 120 })
      } catch {
        return true
      }
      return true
    }
  },
}
