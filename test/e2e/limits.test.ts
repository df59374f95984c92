/** A limit under `wrangler dev` is exact over real sockets, because one isolate serves all requests. */
import OpenAI from 'openai'
import { expect, inject, it } from 'vitest'

const url = inject('gatewayUrl')

async function issueKey(limits: Record<string, number>): Promise<string> {
  const response = await fetch(`${url}/admin/keys`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer local-admin-token-for-this-machine-only',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ name: 'limited', limits }),
  })
  return ((await response.json()) as { secret: string }).secret
}

it('admits exactly 10 of 40 concurrent requests, and the SDK throws RateLimitError with a retry-after of at most 60 seconds', async () => {
  const client = new OpenAI({
    apiKey: await issueKey({ requestsPerMinute: 10 }),
    baseURL: `${url}/v1`,
    maxRetries: 0,
  })
  const body = {
    model: 'o3-mini',
    messages: [{ role: 'user' as const, content: 'Hi' }],
    simulate: { thinkMs: 0 },
  }
  const results = await Promise.allSettled(
    Array.from({ length: 40 }, () => client.chat.completions.create(body)),
  )
  const refusals = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  )
  expect(refusals.length).toBe(30)
  for (const refusal of refusals) {
    if (!(refusal instanceof OpenAI.RateLimitError)) throw refusal
    expect(refusal.code).toBe('rate_limit_exceeded')
    const retryAfter = Number(refusal.headers.get('retry-after'))
    expect(retryAfter).toBeGreaterThanOrEqual(1)
    expect(retryAfter).toBeLessThanOrEqual(60)
  }
})
