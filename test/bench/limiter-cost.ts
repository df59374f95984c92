/** Measures the cost of a limiter decision beside a SHA-256, which every request also needs: `npm run bench:limiter`. */

import { createHash } from 'node:crypto'
import type { WindowLimits } from '../../src/limits/decision.ts'
import type { ShardStore } from '../../src/limits/shard-store.ts'
import { createLimiter } from '../../src/limits/limiter.ts'
import type { Shard } from '../../src/limits/shard.ts'

const KEYS = 1_000
const PEERS = 8
const DECISIONS = 1_000_000
const HASHES = 300_000
const REQUESTS_PER_MINUTE = 60
/** The target: mean CPU time of a decision, µs. */
const DECISION_US_MAX = 5

const LIMITS: WindowLimits = {
  requestsPerMinute: REQUESTS_PER_MINUTE,
  tokensPerMinute: 100_000,
}
const COST = { requests: 1, tokens: 800 } as const
const keyIds = Array.from({ length: KEYS }, (_, index) => `key_${index}`)

// The store answers at once, so only the limiter's own work is measured, with its schedule and its sums over the peers.
let nowMs = Date.UTC(2026, 0, 1)
const shards: ShardStore = {
  publish: () => Promise.resolve(),
  list: () => Promise.resolve(Array.from({ length: PEERS }, (_, index) => peerShard(index))),
}

// oxlint-disable-next-line no-console -- this script prints its results
const print = (line: string): void => console.log(line)

/** The process's CPU time a turn, µs. */
async function measure(turns: number, turn: (index: number) => void): Promise<number> {
  const before = process.cpuUsage()
  for (let index = 0; index < turns; index++) {
    turn(index)
    // Background work runs between turns, as it runs between the requests of an isolate.
    if (index % 100 === 0) await Promise.resolve()
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / turns
}

// Keys at a hundredth of their limit are quiet.
for (const overload of [0.01, 0.5, 3]) {
  const limiter = createLimiter({ shards, clock: () => nowMs })
  const stepMs = 60_000 / (KEYS * REQUESTS_PER_MINUTE * overload)
  let atMs = nowMs
  let refused = 0
  const decide = (index: number): void => {
    atMs += stepMs
    nowMs = Math.floor(atMs)
    const decision = limiter.check(keyIds[index % KEYS] ?? '', LIMITS, COST, nowMs, () => undefined)
    if (!decision.admitted) refused += 1
    else limiter.settle(decision.reservation, 500, nowMs)
  }
  // The first calls warm up.
  await measure(DECISIONS / 4, decide)
  await measure(HASHES / 4, hash)
  refused = 0
  const decisionUs = await measure(DECISIONS, decide)
  const hashUs = await measure(HASHES, hash)
  print(
    `${KEYS} active keys at ${overload} × their limit, ${PEERS} peers, ${((refused / DECISIONS) * 100).toFixed(0)} % refused: ` +
      `${decisionUs.toFixed(2)} µs a decision, ${hashUs.toFixed(2)} µs a SHA-256, ratio ${(decisionUs / hashUs).toFixed(2)}`,
  )
  if (decisionUs > DECISION_US_MAX) process.exitCode = 1
}

function hash(index: number): void {
  createHash('sha256')
    .update(`sk-${'x'.repeat(40)}${index}`)
    .digest('hex')
}

function peerShard(index: number): Shard {
  const counts = { admitted: 2, offered: 3 }
  return {
    isolateId: `peer${index}`,
    seq: nowMs,
    timeMs: nowMs,
    renewWithinSeconds: 20,
    requests: counts,
    tokens: counts,
  }
}
