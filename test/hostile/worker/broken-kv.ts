/** Two isolates and the accounts over one KV that breaks as told, on a clock that goes on as told. */
import { runDurableObjectAlarm } from 'cloudflare:test'
import { beforeEach, afterEach, vi } from 'vitest'
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
  /** How long each operation takes from now on. */
  latencyMs: number
  /** Whether no account answers from now on. */
  doAccountsFail: boolean
  /** One isolate; `elsewhere` is another, with a memory of its own, but for keys: what is known of those is one for both. */
  here: FrontDoor
  elsewhere: FrontDoor
  log: string[]
}

/** Anew before each test of a file. */
export function useBrokenKv(): BrokenKv {
  const world = {} as BrokenKv
  beforeEach(() => {
    // Noon of a day to come: alarms of the runtime's own go off by the real clock, and so never in a test.
    const clock = new VirtualClock((Math.ceil(Date.now() / DAY_MS) + 1.5) * DAY_MS)
    vi.useFakeTimers({ now: clock.nowMs, toFake: ['Date', 'setTimeout', 'clearTimeout'] })
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

/**
 * Has the accounts read and write this KV, in a location of their own, and not the namespace of the test pool. What hangs
 * fails for them at once: timers of a test cannot wake an object.
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

/** Whether the account of a key had set an alarm. It goes off now, whatever its time. */
export function ringAlarm({ id }: IssuedKey): Promise<boolean> {
  return runDurableObjectAlarm(env.ACCOUNTS.getByName(id))
}

/** Time goes by for timers, the clock and KV alike, in steps that let what is not a timer come to its end. */
export async function pass({ clock }: BrokenKv, ms: number): Promise<void> {
  const stepMs = Math.max(500, ms / 60)
  for (let left = ms; left > 0; left -= stepMs) {
    await scheduler.wait(0)
    await vi.advanceTimersByTimeAsync(Math.min(stepMs, left))
    await clock.advance(Math.min(stepMs, left))
  }
}

/** These operations fail from now on, and no others. */
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

/** The status of a completion; JSON and streams in turn. */
export async function chat(door: FrontDoor, { secret }: IssuedKey): Promise<number> {
  turn += 1
  const body = { ...HELLO, stream: turn % 2 === 0 }
  const answered = await send(door, 'POST', '/v1/chat/completions', secret, body)
  if (answered.status < 500) expectCivil('POST', answered)
  return answered.status
}

/** A key that both isolates know. */
export async function issue(world: BrokenKv, limits: Record<string, unknown> = {}): Promise<IssuedKey> {
  const made = await send(world.here, 'POST', '/admin/keys', ADMIN_TOKEN, { name: 'x', limits })
  await pass(world, 2_000)
  return JSON.parse(made.text) as IssuedKey
}

/** A key that stands in KV, spoilt or not, and that nobody has seen. */
export async function plant(
  world: BrokenKv,
  spoil: (record: Record<string, unknown>) => string = JSON.stringify,
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
  const text = spoil({ ...view, secretSha256: await hashSecret(secret), previous: null })
  world.kv.write(`key:${id}`, 'here', text, { metadata: text })
  return { id, secret }
}

/** What the ledger has of a key, as an isolate sees it. */
export async function requestsOf(door: FrontDoor, { id }: IssuedKey): Promise<number> {
  const { text } = await send(door, 'GET', `/admin/keys/${id}/usage`, ADMIN_TOKEN)
  return (JSON.parse(text) as { total: { requests: number } }).total.requests
}
