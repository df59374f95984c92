/** A whole answer is read, checked and translated before it goes out. */
import { describe, expect, it } from 'vitest'
import { ANSWER_BYTES_READ_MAX, readAnswer } from '../../../src/upstream/read-answer.ts'
import { chatOverResponses, interpreterOf } from '../../../src/upstream/translate/translation.ts'
import documented from '../../support/fixtures/response.json'

const NEVER = { race: <T>(pending: Promise<T>) => pending }
const interpreter = interpreterOf(chatOverResponses, (error) => ({ ...error, param: 'mine' }), {})

function read(body: unknown, translates = true) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return readAnswer(new Response(text), translates ? interpreter : null, NEVER)
}

describe('an answer', () => {
  it('that is native goes out with the upstream’s bytes', async () => {
    const text = '{ "usage": {"prompt_tokens": 1, "completion_tokens": 2}, "model": "m" }\n'
    const answer = await read(text, false)
    if (!answer.read) throw new Error(answer.diagnosis.reason)
    expect(await new Response(answer.body).text()).toBe(text)
    expect(answer).toMatchObject({ model: 'm', usage: { promptTokens: 1, completionTokens: 2 } })
  })

  it('that is translated has its usage in the caller’s words', async () => {
    const answer = await read(documented)
    expect(answer).toMatchObject({
      read: true,
      body: expect.stringContaining('"object":"chat.completion"'),
      model: documented.model,
      usage: { promptTokens: documented.usage.input_tokens },
    })
  })

  it.each([
    ['server_error', 502, 'upstream_error'],
    ['rate_limit_exceeded', 429, 'rate_limit_exceeded'],
    ['invalid_prompt', 400, 'invalid_prompt'],
  ])('that tells the failure %s with a 200 is that failure', async (code, status, callersCode) => {
    const answer = await read({ ...documented, status: 'failed', error: { code, message: 'Oh.' } })
    expect(answer).toMatchObject({ read: false, failure: { status, code: callersCode } })
  })

  it('that is no JSON is a failure', async () => {
    for (const translates of [true, false]) {
      expect(await read('<html>', translates)).toMatchObject({ read: false, failure: { status: 502 } })
    }
  })

  it('that is too long to be read goes out unread, and is a failure where it has to be translated', async () => {
    const long = JSON.stringify({ x: 'x'.repeat(ANSWER_BYTES_READ_MAX) })
    expect(await read(long, false)).toMatchObject({ read: true, usage: null })
    expect(await read(long)).toMatchObject({ read: false })
  })
})
