/** A caller's tags reach AI Gateway and the ledger as plain, short text, and never make the ledger large. */
import { reset, runInDurableObject } from 'cloudflare:test'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { TAG_COMBINATIONS_MAX } from '../../../src/accounts/book-tags.ts'
import { TAG_CHARACTERS_MAX } from '../../../src/accounts/tags.ts'
import { BASE_URL, env, HELLO, type IssuedKey, issueKey } from '../../support/gateway.ts'
import { usageAfter } from '../../support/usage.ts'
import { expectedOf } from './expected.ts'
import { expectCivil, FUZZ_TEST, fuzz, openFrontDoor, watchLog } from './front-door.ts'

const NAMES = ['team', 'project', 'constructor']
/** Combinations of the names of a request's tags, for those that are booked as other. */
const OTHERS_MAX = 2 ** NAMES.length - 1

const { upstream, ask } = openFrontDoor({ USAGE_TAGS: NAMES.join() })

watchLog()
let key: IssuedKey
beforeAll(async () => {
  key = await issueKey()
})
afterAll(() => reset())

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom('', ' ', '(other)', '__proto__', '"}', '\u0000', '\ud800', '\u202e', '😀'.repeat(100)),
)
const labels = fc.dictionary(fc.constantFrom(...NAMES, '__proto__', 'toString', 'key_id'), text)
const metadata = fc.oneof({ weight: 3, arbitrary: labels }, fc.jsonValue())

it('any metadata is a request with bounded tags, or a clean 400', FUZZ_TEST, async () => {
  let accepted = 0
  await fc.assert(
    fc.asyncProperty(metadata, async (value) => {
      const body = JSON.stringify({ ...HELLO, metadata: value })
      const headers = { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' }
      const answered = await ask(
        new Request(`${BASE_URL}/v1/chat/completions`, { method: 'POST', body, headers }),
      )
      expectCivil('POST', answered)
      expect([200, 400]).toContain(answered.status)
      if (upstream.sent === null) return
      accepted += 1
      const { key_id: keyId, key_name: _name, request_id: requestId, ...tags } = upstream.metadata
      expect([keyId, requestId]).toEqual([key.id, answered.headers.get('x-request-id')])
      expect(Object.keys(upstream.metadata).length).toBeLessThanOrEqual(5)
      // Chat completions would refuse the metadata, since nothing is stored.
      const kept = Object.keys(tags).length === 0 ? body : JSON.stringify(HELLO)
      expect(upstream.sent).toBe(expectedOf(kept))
      for (const [name, tag] of Object.entries(tags)) {
        expect(NAMES).toContain(name)
        expect(Array.from(tag).length).toBeLessThanOrEqual(TAG_CHARACTERS_MAX)
        expect(tag.isWellFormed()).toBe(true)
        expect(tag).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+$/u)
      }
    }),
    fuzz(0.1),
  )
  expect(accepted).toBeGreaterThan(TAG_COMBINATIONS_MAX)
  await usageAfter(key, accepted)
  const rows = await runInDurableObject(env.ACCOUNTS.getByName(key.id), (_instance, { storage }) =>
    storage.sql.exec('SELECT count(*) AS rows FROM usage').one(),
  )
  // A day may have ended meanwhile. One more row is that of requests without tags.
  expect(rows['rows']).toBeLessThanOrEqual(2 * (TAG_COMBINATIONS_MAX + OTHERS_MAX + 1))
})
