/** A client over fake accounts that can fail in every way, on a virtual clock. */
import {
  type AccountClient,
  type AccountClientOptions,
  type AccountStub,
  createAccountClient,
} from '../../../src/accounts/client.ts'
import type {
  AccountAnswer,
  AccountRequest,
  SettlementBatch,
  SettlementEntry,
} from '../../../src/accounts/protocol.ts'
import { SETTLE_TIMEOUT_MS } from '../../../src/accounts/settlement-queue.ts'
import { TIMED_OUT } from '../../../src/timeout.ts'
import { settleMicrotasks, VirtualClock } from '../../support/virtual-clock.ts'

export const KEY = 'keykeykeykey'

/** What becomes of a call: is it carried out, and when does its answer come? */
export interface Fate {
  isApplied: boolean
  /** `lost`: an error; `never`: the call hangs. */
  answer: 'comes' | 'lost' | 'never'
  delayMs: number
}

export const WELL: Fate = { isApplied: true, answer: 'comes', delayMs: 0 }
export const DOWN: Fate = { isApplied: false, answer: 'lost', delayMs: 0 }
export const HANGING: Fate = { isApplied: false, answer: 'never', delayMs: 0 }
export const REPLY_LOST: Fate = { isApplied: true, answer: 'lost', delayMs: 0 }

export const ADMITTED: AccountAnswer = { admitted: true, status: {}, leaseUntilMs: 0 }

interface SettleCall {
  atMs: number
  batch: SettlementBatch
}

export class FakeAccount implements AccountStub {
  readonly calls: SettleCall[] = []
  readonly admissions: AccountRequest[] = []
  readonly renewals: { atMs: number; ids: readonly string[] }[] = []
  /** How often each request was counted. */
  readonly counted = new Map<string, number>()
  fate: Fate = WELL
  answer: AccountAnswer = ADMITTED
  /** Calls of `settle` under way at the same time at most, as a client with a time-out sees them. */
  underWayMax = 0
  #underWay = 0
  readonly #numbers = new Map<string, number>()
  readonly #clock: VirtualClock
  readonly #nextFate: () => Fate

  constructor(clock: VirtualClock, nextFate?: () => Fate) {
    this.#clock = clock
    this.#nextFate = nextFate ?? (() => this.fate)
  }

  async admit(request: AccountRequest): Promise<AccountAnswer> {
    this.admissions.push(request)
    await this.#pass(this.#nextFate(), () => undefined)
    return this.answer
  }

  settle(batch: SettlementBatch): Promise<void> {
    this.calls.push({ atMs: this.#clock.nowMs, batch: structuredClone(batch) })
    this.#underWay += 1
    this.underWayMax = Math.max(this.underWayMax, this.#underWay)
    let isUnderWay = true
    const end = (): void => {
      if (isUnderWay) this.#underWay -= 1
      isUnderWay = false
    }
    void this.#clock.sleep(SETTLE_TIMEOUT_MS).then(end)
    const done = this.#pass(this.#nextFate(), () => this.#apply(batch))
    done.then(end, end)
    return done
  }

  async renew(ids: readonly string[]): Promise<void> {
    this.renewals.push({ atMs: this.#clock.nowMs, ids })
    await this.#pass(this.#nextFate(), () => undefined)
  }

  /** The times of the calls to settle, ms since the first. */
  get timesMs(): number[] {
    return this.calls.map(({ atMs }) => atMs - (this.calls[0]?.atMs ?? 0))
  }

  async #pass({ isApplied, answer, delayMs }: Fate, apply: () => void): Promise<void> {
    await this.#clock.sleep(delayMs)
    if (isApplied) apply()
    if (answer === 'lost') throw new Error('connection lost')
    if (answer === 'never') await new Promise(() => undefined)
  }

  #apply({ writerId, number, entries }: SettlementBatch): void {
    const last = this.#numbers.get(writerId) ?? 0
    if (number <= last) return
    if (number !== last + 1) throw new Error(`batch ${number} of ${writerId} after ${last}`)
    this.#numbers.set(writerId, number)
    for (const { requestId } of entries) this.counted.set(requestId, (this.counted.get(requestId) ?? 0) + 1)
  }
}

export class ClientRig {
  readonly clock = new VirtualClock()
  readonly troubles: string[] = []
  /** What was handed to `waitUntil`. */
  readonly background: Promise<unknown>[] = []
  readonly client: AccountClient
  readonly nextFate: (() => Fate) | undefined
  /** Of a request that was ended nothing comes back any more. */
  isEnded = false
  /** Intervals that run. */
  timers = 0
  readonly #accounts = new Map<string, FakeAccount>()
  #requests = 0
  #writers = 0

  constructor(options: Partial<AccountClientOptions> & { nextFate?: () => Fate } = {}) {
    const { clock } = this
    const { nextFate, ...others } = options
    this.nextFate = nextFate
    const orNever = <T>(promise: Promise<T>): Promise<T> => {
      if (!this.isEnded) return promise
      promise.catch(() => undefined)
      return new Promise<T>(() => undefined)
    }
    this.client = createAccountClient({
      accountOf: (keyId) => this.account(keyId),
      clock: () => clock.nowMs,
      sleep: (ms) => orNever(clock.sleep(ms)),
      raceTimeout: (pending, ms) =>
        orNever(Promise.race([pending, clock.sleep(ms).then((): typeof TIMED_OUT => TIMED_OUT)])),
      every: (ms, run) => this.#every(ms, run),
      createId: () => `writer${++this.#writers}`,
      onTrouble: ({ what, keyId }) => void this.troubles.push(`${what} ${keyId}`),
      ...others,
    })
  }

  #every(ms: number, run: () => void): () => void {
    let isRunning = true
    this.timers += 1
    const tick = async (): Promise<void> => {
      for (;;) {
        await this.clock.sleep(ms)
        if (!isRunning) return
        run()
      }
    }
    void tick()
    return () => {
      if (isRunning) this.timers -= 1
      isRunning = false
    }
  }

  account(keyId = KEY): FakeAccount {
    let account = this.#accounts.get(keyId)
    if (account === undefined) {
      account = new FakeAccount(this.clock, this.nextFate)
      this.#accounts.set(keyId, account)
    }
    return account
  }

  /** Books one settlement, and tells its request's id. */
  book(keyId = KEY, { atOnce = false } = {}): string {
    const entry = entryOf(`req_${++this.#requests}`, this.clock.nowMs)
    this.client.book(keyId, entry, this.clock.nowMs, this.waitUntil, { atOnce })
    return entry.requestId
  }

  readonly waitUntil = (work: Promise<unknown>): void => void this.background.push(work)

  /** Resolves when all of the background has ended; for tests that it does. */
  async idle(): Promise<number> {
    await settleMicrotasks()
    return (await Promise.all(this.background)).length
  }
}

export function entryOf(requestId: string, admittedAtMs: number): SettlementEntry {
  const booked = {
    promptTokens: 7,
    cachedTokens: 0,
    completionTokens: 2,
    reasoningTokens: 0,
    costMicroUsd: 10,
  }
  return {
    requestId,
    model: 'o3-mini',
    admittedAtMs,
    admittedBy: 'isolate',
    failed: false,
    booked,
    certainty: 'exact',
    end: { status: 200, reason: null, firstOutputMs: null, durationMs: 0, logId: null },
  }
}
