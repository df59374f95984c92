/** What becomes of requests while the account of a key's group does not answer. */
import { describe, expect, it, vi } from 'vitest'
import type { Limits } from '../../src/limits/limits.ts'
import { startEachAt } from '../support/clean-state.ts'
import { complete, env, errorOf } from '../support/gateway.ts'
import { createGroup, keyIn, totalAfter, waitForAccount } from '../support/groups.ts'

startEachAt(Date.UTC(2027, 0, 5, 12))

type Admit = (admit: () => Promise<unknown>) => Promise<unknown>
const FAILS: Admit = () => Promise.reject(new Error('internal error'))
const HANGS: Admit = () => new Promise(() => undefined)
const LOSES_ITS_ANSWER: Admit = async (admit) => {
  await admit()
  throw new Error('connection lost')
}

/** From now on the account of the group admits so. All other calls arrive. */
function breakAccount(group: string, admitSo: Admit) {
  const getByName = env.ACCOUNTS.getByName.bind(env.ACCOUNTS)
  return vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation((name, ...rest) => {
    const stub = getByName(name, ...rest)
    if (name !== group) return stub
    const admit = (...given: Parameters<typeof stub.admit>) => admitSo(async () => stub.admit(...given))
    const settle = (...given: Parameters<typeof stub.settle>) => stub.settle(...given)
    return { admit, settle } as never
  })
}

/** With the requests that are left after one. The header of a limit of a minute comes before that of a day. */
const KEYS: [string, Limits, string][] = [
  ['its isolate', { requestsPerMinute: 50 }, '49'],
  ['its account', { requestsPerDay: 50, concurrentRequests: 9 }, '8'],
]

describe.each(KEYS)(
  'while the account of its group does not answer, a key decided by %s',
  { timeout: 15_000 },
  (_who, limits, left) => {
    it.each<[string, Admit]>([
      ['fails', FAILS],
      ['hangs', HANGS],
      ['loses its answer', LOSES_ITS_ANSWER],
    ])('gets a 503 in an isolate that never knew the group, which %s', async (_how, admitSo) => {
      const group = await createGroup({ requestsPerDay: 9, concurrentRequests: 9 })
      const key = await keyIn(group, limits)
      breakAccount(group, admitSo)
      const refused = await complete(key.secret)
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
      expect(await errorOf(refused)).toMatchObject({ type: 'server_error', code: 'budget_unavailable' })
      vi.restoreAllMocks()
      // Neither of the two keeps a place, also where the account had admitted the request.
      await waitForAccount(group, {
        status: { requestsPerDay: { used: 0 }, concurrentRequests: { used: 0 } },
      })
      await waitForAccount(key.id, { total: { requests: 0 } })
      vi.setSystemTime(Date.now() + 1_000)
      const admitted = await complete(key.secret)
      expect([admitted.status, admitted.headers.get('x-ratelimit-remaining-requests')]).toEqual([200, left])
    })

    it('goes on within the day of the group, which the isolate counts', async () => {
      const group = await createGroup({ requestsPerDay: 3 })
      const key = await keyIn(group, limits)
      expect((await complete(key.secret)).status).toBe(200)
      await totalAfter(group, 1)
      breakAccount(group, FAILS)
      const statuses = [(await complete(key.secret)).status, (await complete(key.secret)).status]
      const refused = await complete(key.secret)
      expect([...statuses, refused.status]).toEqual([200, 200, 429])
      expect((await errorOf(refused)).message).toContain("this key's group: Limit 3 requests per day")
      vi.restoreAllMocks()
      await totalAfter(group, 3)
    })

    it('goes on within the minute of the group, which the isolate counts', async () => {
      const group = await createGroup({ requestsPerMinute: 2 })
      const key = await keyIn(group, limits)
      expect((await complete(key.secret)).status).toBe(200)
      breakAccount(group, FAILS)
      const statuses = [(await complete(key.secret)).status, (await complete(key.secret)).status]
      const refused = await complete(key.secret)
      expect([...statuses, refused.status]).toEqual([200, 200, 429])
      expect((await errorOf(refused)).message).toContain("this key's group: Limit 2 requests per minute")
    })

    it('spends a tenth of the money that the group had left', async () => {
      const group = await createGroup({ budget: { usd: 1, period: 'day' } })
      const key = await keyIn(group, limits)
      expect((await complete(key.secret)).status).toBe(200)
      await totalAfter(group, 1)
      breakAccount(group, FAILS)
      const costing = (max_completion_tokens: number) => complete(key.secret, { max_completion_tokens })
      expect([(await costing(1_000)).status, (await costing(100_000)).status]).toEqual([200, 503])
    })

    it('goes on where the group had no limits', async () => {
      const group = await createGroup()
      const key = await keyIn(group, limits)
      expect((await complete(key.secret)).status).toBe(200)
      breakAccount(group, HANGS)
      expect([(await complete(key.secret)).status, (await complete(key.secret)).status]).toEqual([200, 200])
    })
  },
)
