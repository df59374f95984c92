/** A book that is called at random, and a plain list of what it has admitted. */
import * as fc from 'fast-check'
import type { Limits } from '../../src/limits/limits.ts'
import { RESERVED_TRIES } from '../../src/accounts/book-state.ts'
import { LEASE_MS } from '../../src/accounts/book.ts'
import { CORRECTION_PAUSES_MS } from '../../src/accounts/book-ends.ts'
import type { AdmissionReply, SettlementBatch, SettlementEntry } from '../../src/accounts/protocol.ts'
import type { Period } from '../../src/calendar.ts'
import { BookRig, costing, entryOf, requestOf } from './book-rig.ts'

const at = fc.nat(1_000)
/** The clock is so far behind its latest time at most, ms. */
const STEP_BACK_MAX_MS = 50_000
const share = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constant(100))

const smallAdmission = fc.record({
  kind: fc.constant('admit' as const),
  worstMicroUsd: fc.constant(50),
  tokens: fc.constant(10),
  share,
})

/** `at` chooses one of the requests or batches so far. A share is in percent of the worst case. */
export const CALLS = [
  smallAdmission,
  smallAdmission,
  smallAdmission,
  fc.record({
    kind: fc.constant('admit' as const),
    worstMicroUsd: fc.integer({ min: 1, max: 100 }),
    tokens: share,
    share,
  }),
  fc.record({
    kind: fc.constant('admit' as const),
    worstMicroUsd: fc.constant(50),
    tokens: fc.constant(10),
    share,
  }),
  fc.record({ kind: fc.constant('admit_again' as const), at }),
  fc.record({ kind: fc.constant('settle' as const), at, isPending: fc.boolean() }),
  // Most requests end with their true usage.
  fc.record({ kind: fc.constant('settle' as const), at, isPending: fc.constant(false) }),
  fc.record({ kind: fc.constant('settle' as const), at, isPending: fc.constant(false) }),
  fc.record({ kind: fc.constant('settle' as const), at, isPending: fc.constant(false) }),
  fc.record({ kind: fc.constant('release' as const), at }),
  fc.record({ kind: fc.constant('send_again' as const), at }),
  fc.record({ kind: fc.constant('correct' as const), at, isFound: fc.boolean() }),
  fc.record({ kind: fc.constant('renew' as const), at }),
  fc.record({
    kind: fc.constant('wait' as const),
    ms: fc.oneof(fc.nat(5_000), fc.nat(100_000), fc.nat(LEASE_MS)),
  }),
  fc.record({ kind: fc.constant('step_back' as const), ms: fc.nat(STEP_BACK_MAX_MS) }),
  fc.record({ kind: fc.constant('expire' as const) }),
  fc.record({ kind: fc.constant('restart' as const) }),
]

export type Call = (typeof CALLS)[number] extends fc.Arbitrary<infer Value> ? Value : never

/** Requests have them in turn. */
const TAGS = [undefined, '{"team":"a"}', '{"team":"b"}']

interface Admitted {
  readonly requestId: string
  readonly tags: string | undefined
  readonly admittedAtMs: number
  readonly worstMicroUsd: number
  trueMicroUsd: number
  trueTokens: number
  /** Questions for the true usage that were not answered. */
  unanswered: number
  leaseUntilMs: number
  /** When the windows counted its admission: a clock that steps back a little stands still. */
  readonly windowAtMs: number
  state: 'under_way' | 'expired' | 'pending' | 'settled' | 'estimated' | 'released'
}

const LOG = {
  gatewayId: 'g',
  logId: 'l',
  prices: { inputMicroUsd: 1, cachedInputMicroUsd: 1, outputMicroUsd: 1 },
}

export class BookModel {
  readonly rig = new BookRig()
  nowMs: number
  lastReply: AdmissionReply | null = null
  worstMaxMicroUsd = 0
  /** By how much late settlements and corrections have exceeded the estimates that they replaced. */
  raisedMicroUsd = 0
  readonly #limits: Limits
  readonly #requests: Admitted[] = []
  readonly #batches: SettlementBatch[] = []
  #offered = 0
  #latestMs: number

  constructor(nowMs: number, limits: Limits) {
    this.nowMs = nowMs
    this.#latestMs = nowMs
    this.#limits = limits
  }

  /** Tells whether a request was admitted. */
  run(call: Call): boolean {
    const { book } = this.rig
    switch (call.kind) {
      case 'admit':
        return this.#admit(call)
      case 'admit_again': {
        const request = this.#choose(call.at)
        if (request !== undefined) {
          this.lastReply = book.admit(requestOf(request.requestId), this.#limits, this.nowMs)
        }
        return false
      }
      case 'settle':
        this.#settle(this.#choose(call.at), call.isPending)
        return false
      case 'release':
        this.#release(this.#choose(call.at))
        return false
      case 'send_again': {
        const batch = this.#batches[call.at % Math.max(1, this.#batches.length)]
        if (batch !== undefined) book.settle(batch, this.nowMs)
        return false
      }
      case 'correct':
        this.#correct(this.#choose(call.at), call.isFound)
        return false
      case 'renew': {
        const request = this.#choose(call.at)
        if (request === undefined) return false
        book.renew([request.requestId], this.nowMs)
        if (request.state === 'under_way') request.leaseUntilMs = this.nowMs + LEASE_MS
        return false
      }
      case 'wait':
        this.nowMs += call.ms
        this.#latestMs = Math.max(this.#latestMs, this.nowMs)
        return false
      case 'step_back':
        // A longer step would be a reset of the clock, which clears the windows.
        this.nowMs = Math.max(this.nowMs - call.ms, this.#latestMs - STEP_BACK_MAX_MS)
        return false
      case 'expire':
        book.expireLeases(this.nowMs)
        for (const request of this.#requests) {
          if (request.state === 'under_way' && request.leaseUntilMs <= this.nowMs) request.state = 'expired'
        }
        return false
      case 'restart':
        this.rig.restart()
        return false
    }
  }

  unreleased(): readonly Admitted[] {
    return this.#requests.filter(({ state }) => state !== 'released')
  }

  concurrent(): number {
    const isLive = ({ state, leaseUntilMs }: Admitted) => state === 'under_way' && leaseUntilMs > this.nowMs
    return this.#requests.filter(isLive).length
  }

  bookedByPeriod(period: Period): Map<string, number> {
    const length = { day: 10, month: 7, total: 0 }[period]
    const booked = new Map<string, number>()
    for (const { date, costMicroUsd } of this.rig.book.rows('0000-00-00', '9999-12-31')) {
      const name = date.slice(0, length)
      booked.set(name, (booked.get(name) ?? 0) + costMicroUsd)
    }
    return booked
  }

  /** Settles all that is open by its true usage. */
  settleAll(): void {
    for (const request of this.#requests) {
      this.#settle(request, false)
      this.#correct(request, true)
    }
  }

  #admit({ worstMicroUsd, tokens, share: percent }: Extract<Call, { kind: 'admit' }>): boolean {
    this.#offered += 1
    const requestId = `r${this.#offered}`
    const tags = TAGS[this.#offered % TAGS.length]
    const request = { ...requestOf(requestId, worstMicroUsd, tokens), tags }
    const reply = this.rig.book.admit(request, this.#limits, this.nowMs)
    this.lastReply = reply
    if (!reply.admitted) return false
    this.worstMaxMicroUsd = Math.max(this.worstMaxMicroUsd, worstMicroUsd)
    this.#requests.push({
      requestId,
      tags,
      admittedAtMs: this.nowMs,
      worstMicroUsd,
      trueMicroUsd: Math.floor((worstMicroUsd * percent) / 100),
      trueTokens: percent,
      unanswered: 0,
      leaseUntilMs: reply.leaseUntilMs,
      windowAtMs: Math.max(this.nowMs, this.#requests.at(-1)?.windowAtMs ?? 0),
      state: 'under_way',
    })
    return true
  }

  #choose(index: number): Admitted | undefined {
    // The newest are chosen more often: they are under way.
    const back = index % Math.max(1, Math.min(8, this.#requests.length))
    return this.#requests.at(-1 - back)
  }

  #send(entry: SettlementEntry): void {
    const batch = { writerId: 'w', number: this.#batches.length + 1, entries: [entry] }
    this.#batches.push(batch)
    this.rig.book.settle(batch, this.nowMs)
  }

  #settle(request: Admitted | undefined, isPending: boolean): void {
    if (request === undefined) return
    const { requestId, tags, admittedAtMs, trueMicroUsd, trueTokens, worstMicroUsd, state } = request
    const expectedMicroUsd = Math.ceil(worstMicroUsd / 10)
    const booked = isPending ? costing(expectedMicroUsd) : costing(trueMicroUsd, trueTokens)
    const certainty = isPending ? 'pending' : 'exact'
    this.#send(entryOf(requestId, admittedAtMs, { tags, booked, certainty, log: LOG }))
    if (state !== 'under_way' && state !== 'expired') return
    if (state === 'expired') this.#noteRaise(booked.costMicroUsd - expectedMicroUsd)
    request.state = isPending ? 'pending' : 'settled'
  }

  #release(request: Admitted | undefined): void {
    if (request === undefined) return
    this.#send(entryOf(request.requestId, request.admittedAtMs, { released: true }))
    if (request.state === 'under_way' || request.state === 'expired') request.state = 'released'
  }

  #correct(request: Admitted | undefined, isFound: boolean): void {
    if (request === undefined) return
    const { requestId, trueMicroUsd, trueTokens, worstMicroUsd, state } = request
    this.rig.book.correct(requestId, isFound ? costing(trueMicroUsd, trueTokens) : null, this.nowMs)
    if (state !== 'pending') return
    if (isFound) {
      // The difference to the worst case was reserved until then.
      if (request.unanswered >= RESERVED_TRIES) this.#noteRaise(trueMicroUsd - Math.ceil(worstMicroUsd / 10))
      request.state = 'settled'
      return
    }
    request.unanswered += 1
    if (request.unanswered < CORRECTION_PAUSES_MS.length) return
    // The estimate is true from now on, and the request counts as estimated.
    Object.assign(request, { state: 'estimated', trueMicroUsd: Math.ceil(worstMicroUsd / 10), trueTokens: 0 })
  }

  #noteRaise(microUsd: number): void {
    this.raisedMicroUsd += Math.max(0, microUsd)
  }
}
