/** Records that are damaged, older or newer than this version affect their own key only. */
import { describe, expect, it } from 'vitest'
import { KEY_ABSENT_MS } from '../../../src/keys/key-store.ts'
import { linesOf } from '../../support/console.ts'
import { ADMIN_TOKEN } from '../../support/gateway.ts'
import { chat, issue, pass, writeRecord, expectRequests, send, useBrokenKv } from './broken-kv.ts'

const world = useBrokenKv()

describe('a damaged record', () => {
  const NEWER = { version: 9, tags: ['x'] }
  const SPOILT: [string, (record: Record<string, unknown>) => string][] = [
    ['is no JSON', () => '{"id":'],
    ['is empty', () => ''],
    ['is null', () => 'null'],
    ['is a list', () => '[]'],
    ['is of an older version, without limits', ({ limits: _limits, ...old }) => JSON.stringify(old)],
    ['has a hash of another type', (record) => JSON.stringify({ ...record, secretSha256: 5 })],
    [
      'has a limit that is none',
      (record) => JSON.stringify({ ...record, limits: { requestsPerMinute: 'many' } }),
    ],
  ]

  // Lost: this key, until the operator creates another one. Other keys are unaffected.
  it.each(SPOILT)(
    'since it %s is a 500 for that key with a line in the log, and can be deleted',
    async (_why, damage) => {
      const spoilt = await writeRecord(world, damage)
      const good = await issue(world)
      world.log.length = 0
      const answered = await send(world.elsewhere, 'GET', '/v1/models', spoilt.secret)
      expect([answered.status, answered.headers.get('x-should-retry')]).toEqual([500, 'false'])
      expect(answered.text).toContain('"code":"key_record_unreadable"')
      expect(linesOf(world.log, 'trouble')).toMatchObject([{ what: 'key_record', keyId: spoilt.id }])
      expect(await chat(world.elsewhere, good)).toBe(200)
      const listed = await send(world.elsewhere, 'GET', '/admin/keys', ADMIN_TOKEN)
      expect([listed.status, listed.text.includes(good.id)]).toEqual([200, true])
      expect((await send(world.elsewhere, 'DELETE', `/admin/keys/${spoilt.id}`, ADMIN_TOKEN)).status).toBe(
        200,
      )
      await pass(world, KEY_ABSENT_MS)
      expect((await send(world.elsewhere, 'GET', '/v1/models', spoilt.secret)).status).toBe(401)
    },
  )

  it('of a newer version is read for its known fields', async () => {
    const key = await writeRecord(world, (record) => JSON.stringify({ ...record, ...NEWER }))
    expect(await chat(world.elsewhere, key)).toBe(200)
  })

  // Lost: what that shard had counted.
  it('of counts is ignored, and limits, budgets and usage work without it', async () => {
    const key = await issue(world, {
      requestsPerMinute: 5,
      requestsPerDay: 9,
      budget: { usd: 1, period: 'total' },
    })
    for (const [index, metadata] of ['{', [], [9, 9], [1, -1, 'x'], { a: 1 }, null, [1e99]].entries())
      world.kv.write(`rate:${key.id}:x${index}`, 'here', 'garbage', { metadata })
    const statuses: number[] = []
    for (let i = 0; i < 6; i += 1) {
      statuses.push(await chat(world.elsewhere, key))
      await pass(world, 2_000)
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429])
    await expectRequests(world, key, 5)
  })
})
