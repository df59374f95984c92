/**
 * KV fails in every way while keys are in use. Each test states its loss. In all of them a known key is served, an unknown key
 * is told when to retry, and KV gets the missed writes once it is back.
 */
import { describe, expect, it } from 'vitest'
import { KEY_FRESH_MS, KEY_READ_TIMEOUT_MS, KEY_STALE_MS } from '../../../src/keys/key-store.ts'
import { linesOf } from '../../support/console.ts'
import { ADMIN_TOKEN } from '../../support/gateway.ts'
import {
  chat,
  fail,
  issue,
  pass,
  writeRecord,
  expectRequests,
  runAlarm,
  send,
  useBrokenKv,
} from './broken-kv.ts'

const HANG_MS = 30_000

const world = useBrokenKv()

describe('while reads fail', () => {
  // Lost: callers with a record of version 0.1 that its account has not adopted yet.
  it('keys are read from their accounts, even if no isolate has seen them', async () => {
    const known = await issue(world)
    const cold = await issue(world)
    const unknown = await writeRecord(world)
    fail(world, 'get', 'list')
    expect([await chat(world.elsewhere, cold), await chat(world.elsewhere, unknown)]).toEqual([200, 503])
    await pass(world, 2 * KEY_STALE_MS)
    expect(await chat(world.here, known)).toBe(200)
    const disabled = await send(world.here, 'PATCH', `/admin/keys/${cold.id}`, ADMIN_TOKEN, {
      disabled: true,
    })
    expect(disabled.status).toBe(200)
    await pass(world, KEY_FRESH_MS)
    expect(await chat(world.elsewhere, cold)).toBe(401)
  })
})

describe('the doctor’s question about an id that is no key', () => {
  it('gets 404 from KV, and 503 while reads fail', async () => {
    const ask = () => send(world.here, 'GET', '/admin/keys/0123456789ab', ADMIN_TOKEN)
    expect((await ask()).status).toBe(404)
    fail(world, 'get')
    expect((await ask()).text).toContain('"code":"keys_unavailable"')
  })
})

describe('while reads and accounts fail', () => {
  // Lost: callers whose key this isolate has not seen for 15 minutes, until KV or the accounts are back; peers' counts.
  it('known keys work for 15 minutes, unknown keys are told to retry, and all keys work afterwards', async () => {
    const known = await issue(world)
    const unknown = await writeRecord(world)
    expect(await chat(world.here, known)).toBe(200)
    fail(world, 'get', 'list')
    world.doAccountsFail = true
    expect(await chat(world.elsewhere, unknown)).toBe(503)
    for (let minute = 0; minute < 14; minute += 1) {
      await pass(world, 60_000)
      expect(await chat(world.here, known)).toBe(200)
    }
    const refused = await send(world.elsewhere, 'GET', '/v1/models', unknown.secret)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(refused.text).toContain('"code":"keys_unavailable"')
    await pass(world, KEY_STALE_MS)
    expect(await chat(world.here, known)).toBe(503)
    fail(world)
    world.doAccountsFail = false
    expect([await chat(world.here, known), await chat(world.elsewhere, unknown)]).toEqual([200, 200])
  })

  it('limits and budgets hold by this isolate’s own counts', async () => {
    const limited = await issue(world, { requestsPerMinute: 3 })
    const frugal = await issue(world, { budget: { usd: 0.01, period: 'day' } })
    expect(await chat(world.here, frugal)).toBe(200)
    fail(world, 'get', 'list')
    const statuses: number[] = []
    for (let i = 0; i < 5; i += 1) statuses.push(await chat(world.here, limited))
    expect(statuses).toEqual([200, 200, 200, 429, 429])
    const spent: number[] = []
    for (let i = 0; i < 10; i += 1) spent.push(await chat(world.here, frugal))
    expect(spent.filter((status) => status === 429).length).toBeGreaterThan(0)
  })
})

describe('while writes fail', () => {
  // Lost: nothing, unless the isolate ends: then the usage since its last write.
  it('all keys are served, and the ledger is complete once KV is back', async () => {
    const keys = [await issue(world), await issue(world, { requestsPerMinute: 1_000 })]
    fail(world, 'put', 'delete')
    for (let second = 0; second < 40; second += 1) {
      for (const key of keys) expect(await chat(world.here, key)).toBe(200)
      await pass(world, 1_000)
    }
    fail(world)
    for (const key of keys) expect(await chat(world.here, key)).toBe(200)
    for (const key of keys) await expectRequests(world, key, 41)
    expect(linesOf(world.log, 'trouble').length).toBeGreaterThan(0)
  })

  // Lost: nothing. An isolate with an old copy uses it until KV is back.
  it('the operator’s changes hold at once here, and everywhere once KV is back', async () => {
    const [changed, rotated, deleted] = [await issue(world), await issue(world), await issue(world)]
    expect(await chat(world.elsewhere, changed)).toBe(200)
    fail(world, 'put', 'delete')
    const made = await send(world.here, 'POST', '/admin/keys', ADMIN_TOKEN, { name: 'x' })
    const acts = [
      made,
      await send(world.here, 'PATCH', `/admin/keys/${changed.id}`, ADMIN_TOKEN, { disabled: true }),
      await send(world.here, 'POST', `/admin/keys/${rotated.id}/rotate`, ADMIN_TOKEN, {}),
      await send(world.here, 'DELETE', `/admin/keys/${deleted.id}`, ADMIN_TOKEN),
    ]
    expect(acts.map(({ status }) => status)).toEqual([201, 200, 200, 200])
    const created = JSON.parse(made.text) as { id: string; secret: string }
    for (const door of [world.here, world.elsewhere]) expect(await chat(door, created)).toBe(200)
    const old = [changed, rotated, deleted]
    for (const key of old) expect(await chat(world.here, key)).toBe(401)
    expect(await chat(world.elsewhere, changed)).toBe(200)
    fail(world)
    await pass(world, 2_000)
    for (const key of [created, ...old]) expect(await runAlarm(key)).toBe(true)
    await pass(world, KEY_FRESH_MS)
    for (const key of old) expect(await chat(world.elsewhere, key)).toBe(401)
  })
})

describe('while every operation hangs for 30 s', () => {
  // Lost: three seconds of each caller with an unknown key, and then a 503.
  it('known keys do not wait, unknown keys wait three seconds, and no request hangs', async () => {
    const known = await issue(world, { requestsPerMinute: 1_000 })
    const unknown = await writeRecord(world)
    world.latencyMs = HANG_MS
    for (let second = 0; second < 20; second += 1) {
      // The clocks stand still until the answer.
      expect(await chat(world.here, known)).toBe(200)
      await pass(world, 1_000)
    }
    const asked = chat(world.elsewhere, unknown)
    await pass(world, KEY_READ_TIMEOUT_MS)
    expect(await asked).toBe(503)
    const renewed = (async () => chat(world.here, known))()
    await pass(world, KEY_FRESH_MS)
    expect(await renewed).toBe(200)
    world.latencyMs = 0
    await pass(world, 2 * HANG_MS)
    expect([await chat(world.here, known), await chat(world.elsewhere, unknown)]).toEqual([200, 200])
    await expectRequests(world, known, 22)
  })

  it('the operator’s change does not wait for KV, and takes effect', async () => {
    const key = await issue(world)
    world.latencyMs = HANG_MS
    const act = await send(world.here, 'PATCH', `/admin/keys/${key.id}`, ADMIN_TOKEN, { disabled: true })
    expect(act.status).toBe(200)
    expect(await chat(world.here, key)).toBe(401)
  })
})
