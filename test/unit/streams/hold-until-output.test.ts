/** A stream is held back until its first output, and no byte of it is lost. */
import { describe, expect, it } from 'vitest'
import { chatCompletions } from '../../../src/apis/chat-completions.ts'
import { HELD_BYTES_MAX, holdUntilOutput } from '../../../src/streams/hold-until-output.ts'

const NEVER = { race: <T>(pending: Promise<T>) => pending }
const ROLE = event({ choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] })
const WORD = event({ choices: [{ index: 0, delta: { content: 'Hi' } }] })

function event(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

/** A stream of these texts that ends, breaks or hangs. */
function hold(texts: readonly string[], end: 'close' | 'break' | 'hang' = 'close') {
  let at = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const text = texts[at++]
        if (text !== undefined) controller.enqueue(new TextEncoder().encode(text))
        else if (end === 'close') controller.close()
        else if (end === 'break') controller.error(new Error('broken'))
        else return new Promise(() => undefined)
      },
    },
    { highWaterMark: 0 },
  )
  const response = { headers: new Headers(), body, arrayBuffer: () => new Response(body).arrayBuffer() }
  return holdUntilOutput({ accepted: true, response }, chatCompletions.isOutput, NEVER)
}

function textOf(pieces: readonly Uint8Array[] = []): string {
  return pieces.map((piece) => new TextDecoder().decode(piece)).join('')
}

describe('a held stream', () => {
  it('has its first output and all before it, and the rest is still to be read', async () => {
    const held = await hold([': ping\n\n', ROLE, WORD, WORD])
    if (!held.accepted) throw new Error(held.diagnosis.reason)
    expect(textOf(held.held)).toBe(`: ping\n\n${ROLE}${WORD}`)
    const rest = await held.response.body.getReader().read()
    expect(textOf(rest.value === undefined ? [] : [rest.value])).toBe(WORD)
  })

  it.each([
    ['breaks', [ROLE], 'break'],
    ['is empty', [], 'close'],
  ] as const)(
    'that %s before its output is a failure on which another model is tried',
    async (_how, texts, end) => {
      expect(await hold(texts, end)).toMatchObject({ accepted: false, fallsBack: 'always' })
    },
  )

  it('that tells an error before its output is that failure, unless the request is at fault', async () => {
    const telling = (type: string) => hold([ROLE, event({ error: { message: 'Oh.', type } })], 'hang')
    expect(await telling('server_error')).toMatchObject({ accepted: false, failure: { status: 502 } })
    expect(await telling('invalid_request_error')).toMatchObject({ accepted: true })
  })

  it('that ends without output is an answer: reasoning can take all tokens', async () => {
    const held = await hold([ROLE, 'data: [DONE]\n\n'])
    expect(held).toMatchObject({ accepted: true, held: [expect.anything(), expect.anything()] })
  })

  it('is held no longer than its bound', async () => {
    const long = `: ${'x'.repeat(HELD_BYTES_MAX)}\n\n`
    const held = await hold([long, ROLE], 'hang')
    if (!held.accepted) throw new Error(held.diagnosis.reason)
    expect(textOf(held.held)).toBe(long)
  })
})
