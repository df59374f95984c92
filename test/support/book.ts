/** Books requests in an account, as an isolate does that has served them. */
import { runDurableObjectAlarm } from 'cloudflare:test'
import { vi } from 'vitest'
import type { SettlementEntry } from '../../src/accounts/protocol.ts'
import { env } from './gateway.ts'

/** Books one request of the key or group, whatever its limits say. */
export async function book(ownerId: string, costMicroUsd: number, model = 'o3-mini'): Promise<void> {
  const tokens = { promptTokens: 10, cachedTokens: 0, completionTokens: 5, reasoningTokens: 0 }
  const entry: SettlementEntry = {
    requestId: `req_${crypto.randomUUID()}`,
    model,
    admittedAtMs: Date.now(),
    admittedBy: 'isolate',
    failed: false,
    booked: { ...tokens, costMicroUsd },
    certainty: 'exact',
    end: { status: 200, reason: null, firstOutputMs: null, durationMs: 900, logId: null },
  }
  const batch = { writerId: crypto.randomUUID(), number: 1, entries: [entry] }
  await env.ACCOUNTS.getByName(ownerId).settle(ownerId, batch)
}

/** Books a request, and lets the account report it a minute later. The clock must be a fake one. */
export async function bookAndReport(ownerId: string, costMicroUsd: number, model?: string): Promise<void> {
  await book(ownerId, costMicroUsd, model)
  vi.setSystemTime(Date.now() + 61_000)
  await runDurableObjectAlarm(env.ACCOUNTS.getByName(ownerId))
}
