/** A fleet of isolates that limit a key over a KV double, for tests of single decisions. */

import type { Trouble } from '../../src/limits/sync.ts'
import type { Decision, WindowLimits } from '../../src/limits/decision.ts'
import { createShardStore } from '../../src/limits/shard-store.ts'
import { createLimiter } from '../../src/limits/limiter.ts'
import type { Limiter } from '../../src/limits/decision.ts'
import { seedOf } from '../../src/limits/fleet-share.ts'
import { KvDouble } from './kv-double.ts'
import type { KvDoubleOptions } from './kv-double.ts'
import { seededRandom } from './seeded-random.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface Isolate {
  readonly limiter: Limiter
  /** Checks one request now. */
  readonly ask: (limits: WindowLimits, tokens?: number, keyId?: string) => Decision
}

export class Fleet {
  readonly clock: VirtualClock
  readonly kv: KvDouble
  readonly troubles: Trouble[] = []
  readonly isolates: readonly Isolate[]

  constructor(isolates = 1, options: Partial<KvDoubleOptions> = {}) {
    this.clock = options.clock ?? new VirtualClock()
    this.kv = new KvDouble({ ...options, clock: this.clock })
    this.isolates = Array.from({ length: isolates }, (_, index) => this.#isolate(`isolate${index}`))
  }

  /** The isolate with this index. @throws RangeError if there is none. */
  at(index: number): Isolate {
    const isolate = this.isolates[index]
    if (isolate === undefined) throw new RangeError(`no isolate ${index}`)
    return isolate
  }

  #isolate(isolateId: string): Isolate {
    const { clock, kv, troubles } = this
    const namespace = kv.at(isolateId)
    const limiter = createLimiter({
      shards: createShardStore(namespace),
      isolateId,
      random: seededRandom(seedOf(isolateId)),
      clock: () => clock.nowMs,
      onTrouble: (trouble) => troubles.push(trouble),
    })
    return {
      limiter,
      ask: (limits, tokens = 0, keyId = 'key') =>
        limiter.check(keyId, limits, { requests: 1, tokens }, clock.nowMs, () => undefined),
    }
  }
}
