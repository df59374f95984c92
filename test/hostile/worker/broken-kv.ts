/** Two isolates and the accounts over one KV, whose faults and clock a test controls. */
import { runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import { ADOPTION_TIMEOUT_MS } from '../../../src/accounts/account-record.ts'
import { ATTEMPT_TIMEOUT_MS } from '../../../src/accounts/publication.ts'
import { DAY_MS } from '../../../src/calendar.ts'
import { createSecret, hashSecret } from '../../../src/keys/secret.ts'
import { recordLog } from '../../support/console.ts'
import { ADMIN_TOKEN, BASE_URL, env, HELLO, type IssuedKey } from '../../support/gateway.ts'
import { KvDouble, type KvOperation } from '../../support/kv-double.ts'
import { asKVNamespace } from '../../support/kv-namespace.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { type Answered, expectCivil, type FrontDoor, openFrontDoor } from './front-door.ts'

export interface BrokenKv {
  clock: VirtualClock
  kv: KvDouble
  /** How long each KV operation takes from now on, ms. */
  latencyMs: number
  /** Whether no account answers from now on. */
  doAccountsFail: boolean
  /** Two isolates, each with a memory of its own. */
  here: FrontDoor
  elsewhere: FrontDoor
  log: string[]
}

/** Sets up a new world before each test of a file. */
export function useBrokenKv(): BrokenKv {
  const world = {} as BrokenKv
  beforeEach(() => {
    // The test's clock is a day ahead. The runtime's alarms follow the real clock, and so never run within a test.
    const clock = new VirtualClock((Math.ceil(Date.now() / DAY_MS) + 1.5) * DAY_MS)
    vi.useFakeTimers({ now: clock.nowMs, toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    giveObjectsRealTimers()
    const kv = new KvDouble({ clock, latencyMs: () => world.latencyMs })
    Object.assign(world, {
      clock,
      kv,
      latencyMs: 0,
      doAccountsFail: false,
      here: openFrontDoor({ KV: asKVNamespace(kv.at('here')) }),
      elsewhere: openFrontDoor({ KV: asKVNamespace(kv.at('elsewhere')) }),
      log: recordLog(),
    })
    placeAccounts(world)
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })
  return world
}

const realSetTimeout = globalThis.setTimeout

/**
 * Timers of objects stay real. A fake one would go off in the test's context and resume the object there, where the runtime
 * forbids its storage. Only objects have timers of these lengths.
 */
function giveObjectsRealTimers(): void {
  const fakeSetTimeout = globalThis.setTimeout
  const objectTimers: unknown[] = [ATTEMPT_TIMEOUT_MS, ADOPTION_TIMEOUT_MS]
  globalThis.setTimeout = ((callback: () => void, ms?: number) =>
    (objectTimers.includes(ms) ? realSetTimeout : fakeSetTimeout)(callback, ms)) as typeof setTimeout
}

/**
 * Lets the accounts read and write this KV, in a location of their own, instead of the test pool's namespace. A KV operation
 * that would hang fails for them at once, since a test's timers cannot wake an object.
 */
function placeAccounts(world: BrokenKv): void {
  const accountKv = asKVNamespace(world.kv.at('account'))
  const hang = (): void => {
    if (world.latencyMs > 0) throw new Error('no answer in time')
  }
  vi.spyOn(env.KV, 'get').mockImplementation((async (name: string) => {
    hang()
    return accountKv.get(name)
  }) as never)
  vi.spyOn(env.KV, 'put').mockImplementation(async (...args) => {
    hang()
    await accountKv.put(...args)
  })
  const getByName = env.ACCOUNTS.getByName.bind(env.ACCOUNTS)
  vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation((...args) => {
    if (world.doAccountsFail) throw new Error('internal error')
    return getByName(...args)
  })
}

/** Runs the alarm of a key's account now. Returns false if none was set. */
export function runAlarm({ id }: IssuedKey): Promise<boolean> {
  return runDurableObjectAlarm(env.ACCOUNTS.getByName(id))
}

/** Advances timers, clock and KV together, in steps that let other work end. */
export async function pass({ clock }: BrokenKv, ms: number): Promise<void> {
  const stepMs = Math.max(500, ms / 60)
  for (let left = ms; left > 0; left -= stepMs) {
    await scheduler.wait(0)
    await vi.advanceTimersByTimeAsync(Math.min(stepMs, left))
    await clock.advance(Math.min(stepMs, left))
  }
}

/** Lets these KV operations fail from now on, and all others succeed. */
export function fail({ kv }: BrokenKv, ...operations: KvOperation[]): void {
  for (const operation of ['get', 'list', 'put', 'delete'] as const)
    kv.failureRates[operation] = operations.includes(operation) ? 1 : 0
}

export function send(
  door: FrontDoor,
  method: string,
  path: string,
  bearer: string,
  body?: unknown,
): Promise<Answered> {
  return door.ask(
    new Request(BASE_URL + path, {
      method,
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  )
}

let turn = 0

/** Returns the status of a completion. JSON and streams alternate. */
export async function chat(door: FrontDoor, { secret }: IssuedKey): Promise<number> {
  turn += 1
  const body = { ...HELLO, stream: turn % 2 === 0 }
  const answered = await send(door, 'POST', '/v1/chat/completions', secret, body)
  if (answered.status < 500) expectCivil('POST', answered)
  return answered.status
}

/** Creates a key that both isolates know. */
export async function issue(world: BrokenKv, limits: Record<string, unknown> = {}): Promise<IssuedKey> {
  const made = await send(world.here, 'POST', '/admin/keys', ADMIN_TOKEN, { name: 'x', limits })
  await pass(world, 2_000)
  return JSON.parse(made.text) as IssuedKey
}

/** Writes a record of version 0.1 to KV, damaged or not, which no isolate has seen. */
export async function writeRecord(
  world: BrokenKv,
  damage: (record: Record<string, unknown>) => string = JSON.stringify,
): Promise<IssuedKey> {
  const { id, secret } = createSecret()
  const view = {
    id,
    name: 'x',
    createdAt: '2026-01-01T00:00:00Z',
    expiresAt: null,
    disabled: false,
    limits: {},
  }
  const text = damage({ ...view, secretSha256: await hashSecret(secret), previous: null })
  world.kv.write(`key:${id}`, 'here', text, { metadata: text })
  return { id, secret }
}

/** Lets time pass until a key has so many requests in its ledger. Accounts answer in real time, and timers are fake. */
export async function expectRequests(world: BrokenKv, key: IssuedKey, requests: number): Promise<void> {
  for (let second = 0; second < 60; second += 1) {
    if ((await requestsOf(world.elsewhere, key)) === requests) return
    await pass(world, 1_000)
  }
  expect(await requestsOf(world.elsewhere, key)).toBe(requests)
}

async function requestsOf(door: FrontDoor, { id }: IssuedKey): Promise<number> {
  const { text } = await send(door, 'GET', `/admin/keys/${id}/usage`, ADMIN_TOKEN)
  return (JSON.parse(text) as { total: { requests: number } }).total.requests
}
