import { describe, expect, it } from 'vitest'
import { admit, isDecidedByAccount } from '../../../src/accounts/admit-request.ts'
import type { AdmissionParts, RequestToAdmit } from '../../../src/accounts/request-to-admit.ts'
import type { End } from '../../../src/accounts/request-end.ts'
import type { AccountDecision, Refused } from '../../../src/accounts/account-view.ts'
import { UsageMeans } from '../../../src/accounts/usage-means.ts'
import type { SettlementEntry } from '../../../src/accounts/protocol.ts'
import { createLimiter } from '../../../src/limits/limiter.ts'
import { createShardStore } from '../../../src/limits/shard-store.ts'
import type { Limits } from '../../../src/limits/limits.ts'
import type { Model } from '../../../src/models/model.ts'
import { modelTable } from '../../../src/models/table.ts'
import { env } from '../../support/gateway.ts'

const BOOKED = { promptTokens: 100, cachedTokens: 0, completionTokens: 10, reasoningTokens: 0 }
const USAGE = { ...BOOKED, cacheWriteTokens: 0 }
const ANSWER = { logId: 'log-1', cacheStatus: null }
const MODEL = o3Mini()
const END: End = {
  model: MODEL,
  usage: null,
  failed: false,
  isCharged: true,
  seenTokens: 0,
  answer: ANSWER,
  status: 200,
  reason: null,
  firstOutputAtMs: null,
}
const SECOND_MS = 1_000

interface Rig {
  parts: AdmissionParts
  entries: SettlementEntry[]
  atOnce: boolean[]
  /** Owner and request of each lease that is kept. */
  leases: string[]
  /** The accounts that were asked for admission. */
  asked: string[]
  clock: { nowMs: number }
}

/** An account client that decides as it is told, and keeps what is booked. */
function rigWith(decision?: AccountDecision, held: Record<string, Refused> = {}): Rig {
  const [entries, atOnce] = [[] as SettlementEntry[], [] as boolean[]]
  const [leases, asked] = [[] as string[], [] as string[]]
  const clock = { nowMs: Date.UTC(2027, 0, 5, 12) }
  const parts: AdmissionParts = {
    limiter: createLimiter({ shards: createShardStore(env.KV) }),
    means: new UsageMeans(),
    accountClient: {
      admit: async (keyId) => {
        asked.push(keyId)
        return decision ?? { outcome: 'admitted', by: 'account', status: {} }
      },
      book: (_keyId, entry, _nowMs, _waitUntil, options) => {
        entries.push(entry)
        atOnce.push(options.atOnce)
      },
      keepLease: (keyId, requestId) => {
        const lease = `${requestId} of ${keyId}`
        leases.push(lease)
        return () => void leases.splice(leases.indexOf(lease), 1)
      },
      heldRefusal: (keyId) => held[keyId] ?? null,
      reportRefusal: () => undefined,
      size: 0,
      waiting: 0,
    },
  }
  return { parts, entries, atOnce, leases, asked, clock }
}

function o3Mini(): Model {
  const model = modelTable({}).get('o3-mini')
  if (model === undefined) throw new Error('no model')
  return model
}

let keys = 0

function requestWith(limits: Limits = {}, overrides: Partial<RequestToAdmit> = {}): RequestToAdmit {
  return {
    requestId: 'req_1',
    keyId: `admitKey${String((keys += 1)).padStart(4, '0')}`,
    secretSha256: 'hash',
    limits,
    defaultLimits: {},
    models: [MODEL],
    asked: { bodyBytes: 400, hasContentElsewhere: false, tokenCap: undefined, choices: 1 },
    promptTokens: () => 8,
    logGatewayId: 'default',
    ...overrides,
  }
}

async function admitIn({ parts, clock }: Rig, request: RequestToAdmit) {
  return admit(
    request,
    parts,
    () => clock.nowMs,
    () => undefined,
  )
}

/** The entry of a request that ended so, `elapsedMs` after its admission. */
async function booked(end: Partial<End>, elapsedMs = 0, limits: Limits = {}, overrides = {}) {
  const rig = rigWith()
  const admission = await admitIn(rig, requestWith(limits, overrides))
  if (admission.outcome !== 'admitted') throw new Error(admission.outcome)
  rig.clock.nowMs += elapsedMs
  admission.settle({ ...END, ...end })
  expect(rig.entries).toHaveLength(1)
  return rig.entries[0]
}

describe('a key', () => {
  it.each<[Limits, boolean]>([
    [{}, false],
    [{ requestsPerMinute: 1, tokensPerMinute: 1, mode: 'strict', completionTokensPerRequest: 1 }, false],
    [{ requestsPerDay: 1 }, true],
    [{ concurrentRequests: 1 }, true],
    [{ budget: { usd: 1, period: 'day' } }, true],
    [{ requestsPerMinute: 1, mode: 'exact' }, true],
  ])('with the limits %o is decided by its account: %s', (limits, expected) => {
    expect(isDecidedByAccount(limits)).toBe(expected)
  })
})

describe.each<[string, Limits]>([
  ['its isolate', { tokensPerMinute: 10_000 }],
  ['its account', { budget: { usd: 1, period: 'day' } }],
])('the booking of a request that was admitted by %s', (_who, limits) => {
  it.each<[string, Partial<End>, number, object]>([
    ['its usage', { usage: USAGE }, 0, { booked: { ...BOOKED, costMicroUsd: 154 }, certainty: 'exact' }],
    [
      'its usage, though it failed in the end',
      { usage: USAGE, failed: true },
      0,
      { failed: true, booked: { costMicroUsd: 154 }, certainty: 'exact' },
    ],
    [
      'its usage at no cost where AI Gateway’s cache answered',
      { usage: USAGE, answer: { logId: 'log-1', cacheStatus: 'HIT' } },
      0,
      { booked: { ...BOOKED, costMicroUsd: 0 }, certainty: 'exact' },
    ],
    [
      'nothing where the model has refused it',
      { failed: true, isCharged: false },
      9 * SECOND_MS,
      { failed: true, booked: { promptTokens: 0, costMicroUsd: 0 }, certainty: 'exact' },
    ],
    [
      'what the model makes in the time since the call, until the log tells',
      {},
      10 * SECOND_MS,
      {
        booked: { promptTokens: 100, completionTokens: 1_500 },
        certainty: 'pending',
        log: { gatewayId: 'default', logId: 'log-1' },
      },
    ],
    [
      'what was seen and the mean of reasoning, until the log tells',
      { seenTokens: 40 },
      0,
      { booked: { completionTokens: 540, reasoningTokens: 500 }, certainty: 'pending' },
    ],
    [
      'what is expected, as estimated, where no log entry is known',
      { answer: null },
      2 * SECOND_MS,
      { booked: { promptTokens: 100, completionTokens: 300 }, certainty: 'estimated' },
    ],
    [
      'at least one token, where the client left at once',
      { answer: null },
      0,
      { booked: { promptTokens: 100, completionTokens: 1, costMicroUsd: 115 }, certainty: 'estimated' },
    ],
  ])('is %s', async (_what, end, elapsedMs, expected) => {
    expect(await booked(end, elapsedMs, limits)).toMatchObject(expected)
  })

  it('is estimated where AI Gateway keeps no log', async () => {
    expect(await booked({}, 0, limits, { logGatewayId: null })).toMatchObject({ certainty: 'estimated' })
  })

  it('happens once, however often the request is settled', async () => {
    const rig = rigWith()
    const admission = await admitIn(rig, requestWith(limits))
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome)
    for (const usage of [USAGE, USAGE, null]) admission.settle({ ...END, usage })
    expect(rig.entries).toMatchObject([{ booked: { promptTokens: 100 } }])
  })
})

describe('a request that its account admits', () => {
  it('holds a lease until it ends, and is booked at once', async () => {
    const rig = rigWith()
    const request = requestWith({ concurrentRequests: 1 })
    const admission = await admitIn(rig, request)
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome)
    expect(rig.leases).toEqual([`req_1 of ${request.keyId}`])
    admission.settle(END)
    expect([rig.leases, rig.atOnce]).toEqual([[], [true]])
  })

  it('is decided by the isolate’s own counts of the minute while the account does not answer', async () => {
    const limits = { requestsPerMinute: 1, requestsPerDay: 9 }
    const rig = rigWith({ outcome: 'admitted', by: 'isolate', status: {}, limits })
    const request = requestWith(limits)
    expect(await admitIn(rig, request)).toMatchObject({ outcome: 'admitted' })
    expect(await admitIn(rig, { ...request, requestId: 'req_2' })).toMatchObject({
      outcome: 'refused',
      refusal: { reason: 'requests', limit: 1 },
    })
    // Its place in the day goes back.
    expect(rig.entries).toMatchObject([{ requestId: 'req_2', released: true }])
  })
})

describe('a request of a key in a group', () => {
  it.each<[string, Limits, string[]]>([
    ['its isolate', {}, ['req_1 of grp_1']],
    ['its account', { requestsPerDay: 9 }, ['req_1 of KEY', 'req_1 of grp_1']],
  ])(
    'decided by %s keeps each lease until it ends, and is booked once with each',
    async (_, limits, leases) => {
      const rig = rigWith()
      const request = requestWith(limits, { groupId: 'grp_1' })
      const admission = await admitIn(rig, request)
      if (admission.outcome !== 'admitted') throw new Error(admission.outcome)
      expect(rig.leases).toEqual(leases.map((lease) => lease.replace('KEY', request.keyId)))
      for (const usage of [USAGE, null]) admission.settle({ ...END, usage })
      expect(rig.leases).toEqual([])
      expect(rig.entries).toMatchObject([{ booked: BOOKED }, { booked: BOOKED }])
    },
  )

  it.each([
    ['its key', 'KEY'],
    ['its group', 'grp_1'],
  ])('asks neither account where a refusal of %s still holds for such a request', async (_who, owner) => {
    const refusal = {
      reason: 'budget_under_way',
      limit: 9,
      used: 9,
      retryAfterMs: 50,
      refusedUntilMs: 0,
    } as const
    const request = requestWith({ requestsPerDay: 9 }, { groupId: 'grp_1' })
    const holder = owner === 'KEY' ? request.keyId : owner
    const refused = { outcome: 'refused', by: 'isolate', refusal, status: {} } as const
    const rig = rigWith(undefined, { [holder]: refused })
    expect(await admitIn(rig, request)).toMatchObject({ outcome: 'refused', refusal })
    expect([rig.asked, rig.entries]).toEqual([[], []])
  })
})
