/** Groups, and keys in them, as their accounts know them. */
import { expect, vi } from 'vitest'
import type { AccountStatus } from '../../src/accounts/protocol.ts'
import type { Limits } from '../../src/limits/limits.ts'
import { ADMIN_TOKEN, env, type IssuedKey, issueKey, send } from './gateway.ts'
import { createGroup as create } from './group-routes.ts'

export interface GroupTotals {
  requests: number
  failures: number
  refused: number
  pending: number
  estimated: number
  promptTokens: number
  completionTokens: number
  costMicroUsd: number
}

const NO_TOTALS: GroupTotals = {
  requests: 0,
  failures: 0,
  refused: 0,
  pending: 0,
  estimated: 0,
  promptTokens: 0,
  completionTokens: 0,
  costMicroUsd: 0,
}

/** Makes a group with these limits, and tells its id. */
export async function createGroup(limits: Limits = {}, name = 'research'): Promise<string> {
  return (await create({ name, limits })).id
}

export function keyIn(group: string, limits: Limits = {}): Promise<IssuedKey> {
  return issueKey({ group, limits })
}

/** The operator's change of a key or a group. */
export async function change(path: string, body: object): Promise<void> {
  expect((await send('PATCH', path, ADMIN_TOKEN, body)).status).toBe(200)
}

/** The state of an account of a key or a group: its limits now, and its sums. */
export async function accountNow(id: string): Promise<{ status: AccountStatus; total: GroupTotals }> {
  const question = { fromDate: '0000-00-00', toDate: '9999-12-31', defaultLimits: {} }
  const usage = await env.ACCOUNTS.getByName(id).usage(id, question)
  if (usage.kind !== 'usage') throw new Error(`the account is ${usage.kind}`)
  const total = { ...NO_TOTALS }
  const names = Object.keys(total) as (keyof GroupTotals)[]
  for (const row of usage.rows) for (const name of names) total[name] += row[name]
  return { status: usage.status, total }
}

/** The sums once so many requests are booked. Settlements travel behind the answers. */
export async function totalAfter(id: string, requests: number): Promise<GroupTotals> {
  return vi.waitFor(
    async () => {
      const { total } = await accountNow(id)
      expect(total.requests).toBe(requests)
      return total
    },
    { timeout: 5_000, interval: 20 },
  )
}

/** The state of an account once it has these figures. */
export async function waitForAccount(id: string, expected: object): Promise<void> {
  await vi.waitFor(async () => expect(await accountNow(id)).toMatchObject(expected), {
    timeout: 5_000,
    interval: 20,
  })
}
