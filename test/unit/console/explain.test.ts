import { describe, expect, it } from 'vitest'
import { explain } from '../../../src/console/format/explain.ts'

/** A refusal by a limit of the key or of its group. */
function refusal(of: 'key' | 'group', name: string, limit: number, used: number) {
  const limitThatRefused = { name, limit, used, of }
  return {
    id: 'req_1',
    at: '2026-11-26T00:00:00.000Z',
    state: 'refused' as const,
    status: 429,
    code: 'rate_limit_exceeded',
    limit: limitThatRefused,
  }
}

describe('the explanation of a refusal', () => {
  it.each([
    ['key', 'requests', 2, 3, 'The key may send 2 requests a minute, and had sent 3.'],
    ['group', 'requests', 2, 3, 'The key’s group may send 2 requests a minute, and had sent 3.'],
    ['group', 'tokens', 20, 15, 'The key’s group may use 20 tokens a minute, and had used 15.'],
    ['group', 'requests_per_day', 9, 9, 'The key’s group may send 9 requests a day (UTC), and had sent 9.'],
    ['group', 'concurrent_requests', 4, 4, 'The key’s group may have 4 requests at one time, and had 4.'],
    ['key', 'budget_spent', 2e6, 3e6, 'The budget of $2.00 was spent: $3.00 were booked.'],
    ['group', 'budget_spent', 2e6, 3e6, 'The group’s budget of $2.00 was spent: $3.00 were booked.'],
  ] as const)('says whose limit it was: of the %s, %s', (of, name, limit, used, sentence) => {
    expect(explain(refusal(of, name, limit, used)).sentences[0]).toBe(sentence)
  })

  it('says that the request alone is too large, and for whom', () => {
    const [sentence] = explain(refusal('group', 'tokens_too_large', 10, 50)).sentences
    expect(sentence).toBe(
      'The request alone needs 50 tokens. The key’s group may use 10 a minute. Waiting does not help.',
    )
  })

  it('says what the operator can do about a group that was deleted', () => {
    const { result, sentences } = explain({ ...refusal('key', '', 0, 0), code: 'group_deleted', limit: null })
    expect([result, sentences[0]]).toEqual([
      'Refused',
      'The key’s group was deleted. The operator can give the key another group, or none.',
    ])
  })
})
