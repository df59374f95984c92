/**
 * The client by which an isolate calls the keys' accounts: it asks for admission, books settlements and renews leases.
 * Expected failures are results; nothing here throws.
 */
import type { WaitUntil } from '../limits/decision.ts'
import { getOrCreate } from '../lru.ts'
import { raceTimeout, sleep, type Sleep, TIMED_OUT } from '../timeout.ts'
import { field } from '../wire/field.ts'
import { type AccountDecision, AccountView, type Refused } from './account-view.ts'
import type { LocalLimits } from './outage.ts'
import type { AccountAnswer, AccountRequest, AdmissionRequest, SettlementBatch } from './protocol.ts'
import { RELEASED } from './request-end.ts'
import { createSettlementSender, type SettlementSender, type SettleTrouble } from './settlement-sender.ts'

/** Accounts whose last reply an isolate remembers, about 2 kB each. The least recently used one is evicted. */
export const VIEWS_MAX = 5_000
/** An admission that takes longer is decided by the isolate, ms. */
export const ADMIT_TIMEOUT_MS = 1_000
/** Time between two renewals of a lease, ms. A lease is 15 minutes, so two renewals may fail. */
export const RENEW_EVERY_MS = 300_000
/** A renewal that takes longer has failed, ms. */
export const RENEW_TIMEOUT_MS = 5_000

/** The account of one key, as its stub shows it. */
export interface AccountStub {
  admit(request: AccountRequest): Promise<AccountAnswer>
  settle(batch: SettlementBatch): Promise<unknown>
  renew(requestIds: readonly string[]): Promise<unknown>
}

/** `admit` once for each outage, `settle` at the first failure in a row, `renew` once for each lease. */
export interface AccountTrouble {
  what: SettleTrouble | 'admit' | 'renew'
  keyId: string
  cause: unknown
}

/** Calls `run` each `ms`, until the function that it returns is called. */
export type Every = (ms: number, run: () => void) => () => void

export interface AccountClientOptions {
  readonly accountOf: (keyId: string) => AccountStub
  /** Ms since 1970. Default `Date.now`. */
  readonly clock?: () => number
  /** Default: a timer. */
  readonly sleep?: Sleep
  /** Default: a timer that is cleared. */
  readonly raceTimeout?: typeof raceTimeout
  /** Default: an interval. */
  readonly every?: Every
  /** Names a new writer of batches. Default: a random UUID. */
  readonly createId?: () => string
  /** Default: nothing. */
  readonly onTrouble?: (trouble: AccountTrouble) => void
}

export interface AccountClient extends SettlementSender {
  /**
   * Decides on a request by its account, within a second. Each admitted request is booked with `atOnce`, whatever `by` says:
   * the account may have admitted a request whose reply was lost. `limits` are `null` for a group: only its last reply says
   * which limits it has.
   */
  admit(
    keyId: string,
    request: AccountRequest,
    limits: LocalLimits | null,
    nowMs: number,
    waitUntil: WaitUntil,
  ): Promise<AccountDecision>
  /** The refusal that still holds for such a request, or with `null` for any request; `null` where the account has to be asked. */
  heldRefusal(
    keyId: string,
    request: AdmissionRequest | null,
    limits: LocalLimits | null,
    nowMs: number,
  ): Refused | null
  /** Renews a request's lease until the function that it returns is called. */
  keepLease(keyId: string, requestId: string): () => void
}

export function createAccountClient(options: AccountClientOptions): AccountClient {
  const {
    accountOf,
    clock = () => Date.now(),
    raceTimeout: race = raceTimeout,
    every = everyByInterval,
    onTrouble = () => undefined,
  } = options
  const views = new Map<string, AccountView>()
  const sender = createSettlementSender({
    settle: (keyId, batch) => accountOf(keyId).settle(batch),
    clock,
    sleep: options.sleep ?? sleep,
    raceTimeout: race,
    createId: options.createId ?? (() => crypto.randomUUID()),
    onTrouble: (what, keyId, cause) => onTrouble({ what, keyId, cause }),
  })

  /** The account's answer, or an error where it fails or takes too long. */
  async function within<T>(timeoutMs: number, call: () => Promise<T>): Promise<{ answer: T } | Error> {
    try {
      const answer = await race(call(), timeoutMs)
      return answer === TIMED_OUT ? new Error(`no answer within ${timeoutMs} ms`) : { answer }
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  /** An object that a deployment has reset fails the calls under way. An admission counts once, however often it is asked for. */
  async function askForAdmission(keyId: string, request: AccountRequest): Promise<AccountAnswer> {
    try {
      return await accountOf(keyId).admit(request)
    } catch (error) {
      if (field(error, 'retryable') !== true) throw error
      return accountOf(keyId).admit(request)
    }
  }

  return {
    async admit(keyId, request, limits, nowMs, waitUntil) {
      const view = getOrCreate(views, keyId, VIEWS_MAX, () => new AccountView())
      const held = view.heldRefusal(request, limits, nowMs)
      if (held !== null) return held
      if (!view.isCallDue(nowMs)) return view.admitLocally(request, limits, nowMs)
      view.noteCall(nowMs)
      const result = await within(ADMIT_TIMEOUT_MS, () => askForAdmission(keyId, request))
      const answeredAtMs = clock()
      if (!(result instanceof Error)) return view.noteAnswer(result.answer, request, limits, answeredAtMs)
      if (view.noteFailure(answeredAtMs)) onTrouble({ what: 'admit', keyId, cause: result })
      const decision = view.admitLocally(request, limits, answeredAtMs)
      if (decision.outcome !== 'admitted') {
        // The account may have admitted it, and only its reply was lost.
        const { requestId, model } = request
        const release = { requestId, model, admittedAtMs: nowMs, admittedBy: 'account', ...RELEASED } as const
        sender.book(keyId, release, answeredAtMs, waitUntil, { atOnce: true })
      }
      return decision
    },

    heldRefusal: (keyId, request, limits, nowMs) =>
      views.get(keyId)?.heldRefusal(request, limits, nowMs) ?? null,

    book(keyId, entry, nowMs, waitUntil, { atOnce }) {
      if (atOnce) views.get(keyId)?.noteEnd()
      sender.book(keyId, entry, nowMs, waitUntil, { atOnce })
    },

    reportRefusal: (...report) => sender.reportRefusal(...report),

    keepLease(keyId, requestId) {
      let hasFailed = false
      const renew = async (): Promise<void> => {
        const result = await within(RENEW_TIMEOUT_MS, () => accountOf(keyId).renew([requestId]))
        if (!(result instanceof Error) || hasFailed) return
        hasFailed = true
        onTrouble({ what: 'renew', keyId, cause: result })
      }
      return every(RENEW_EVERY_MS, () => void renew())
    },

    get size() {
      return sender.size
    },

    get waiting() {
      return sender.waiting
    },
  }
}

function everyByInterval(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms)
  return () => clearInterval(timer)
}
