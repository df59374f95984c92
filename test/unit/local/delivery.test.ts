import { describe, expect, it, vi } from 'vitest'
import { deliver, type DeliveryOptions, type Part } from '../../../src/local/delivery.ts'

const AT_ONCE: DeliveryOptions = {
  thinkMs: 0,
  chunkDelayMs: 0,
  chunkBytes: null,
  earlyEnd: null,
  signal: null,
}

function* numbered(count: number, onMade: (made: number) => void = () => undefined): Generator<Part> {
  for (let made = 1; made <= count; made++) {
    onMade(made)
    yield { text: `é${made};`, isChunk: true, isPaced: true }
  }
  yield { text: 'end', isChunk: false, isPaced: false }
}

/** Reads the pieces until the end, or until an error. */
async function readAll(
  body: ReadableStream<Uint8Array>,
): Promise<{ pieces: Uint8Array[]; text: string; error: unknown }> {
  const pieces: Uint8Array[] = []
  let error: unknown
  try {
    for await (const piece of body) pieces.push(piece)
  } catch (reason) {
    error = reason
  }
  return { pieces, text: new TextDecoder().decode(await new Blob(pieces).arrayBuffer()), error }
}

describe('deliver', () => {
  it('sends the parts one by one and closes the body', async () => {
    const onCancel = vi.fn<(chunksSent: number) => void>()
    const { body, done } = deliver(numbered(3), AT_ONCE, onCancel)
    const { text, pieces } = await readAll(body)
    expect(text).toBe('é1;é2;é3;end')
    expect(pieces).toHaveLength(4)
    await done
    expect(onCancel).not.toHaveBeenCalled()
  })

  it.each([1, 2, 5, 1_000])('sends the bytes in pieces of %i', async (chunkBytes) => {
    const { pieces, text } = await readAll(
      deliver(numbered(20), { ...AT_ONCE, chunkBytes }, vi.fn<() => void>()).body,
    )
    expect(text).toMatch(/^é1;.*é20;end$/)
    expect(pieces.slice(0, -1).every(({ length }) => length === chunkBytes)).toBe(true)
  })

  it('makes a part only after the part before it is read', async () => {
    let made = 0
    const { body, done } = deliver(
      numbered(1_000, (count) => (made = count)),
      AT_ONCE,
      vi.fn<() => void>(),
    )
    const reader = body.getReader()
    await reader.read()
    await scheduler.wait(20)
    expect(made).toBeLessThanOrEqual(3)
    await reader.cancel()
    await done
  })

  it.each(['cut', 'end'] as const)(
    'ends early after the scripted number of chunks, at the latest before the end mark: %s',
    async (how) => {
      for (const [afterChunks, expected] of [
        [0, ''],
        [2, 'é1;é2;'],
        [99, 'é1;é2;é3;'],
      ] as const) {
        const onCancel = vi.fn<(chunksSent: number) => void>()
        const { body, done } = deliver(numbered(3), { ...AT_ONCE, earlyEnd: { how, afterChunks } }, onCancel)
        const { text, error } = await readAll(body)
        expect(text).toBe(expected)
        expect(error instanceof Error).toBe(how === 'cut')
        await done
        expect(onCancel).not.toHaveBeenCalled()
      }
    },
  )

  it('notices that a reader cancels, and counts the chunks that were sent', async () => {
    const onCancel = vi.fn<(chunksSent: number) => void>()
    const { body, done } = deliver(numbered(1_000), { ...AT_ONCE, chunkDelayMs: 1 }, onCancel)
    const reader = body.getReader()
    for (let read = 0; read < 3; read++) await reader.read()
    await reader.cancel('enough')
    await done
    expect(onCancel).toHaveBeenCalledOnce()
    expect(onCancel.mock.lastCall?.[0]).toBeGreaterThanOrEqual(3)
  })

  it.each<[string, Partial<DeliveryOptions>, number]>([
    ['in its think', { thinkMs: 60_000 }, 0],
    ['between chunks', { chunkDelayMs: 60_000 }, 0],
    ['in a hang', { earlyEnd: { how: 'hang', afterChunks: 2 } }, 2],
  ])('ends at once when the signal aborts %s', async (_, options, chunksSent) => {
    const onCancel = vi.fn<(chunksSent: number) => void>()
    const abort = new AbortController()
    const { body, done } = deliver(numbered(5), { ...AT_ONCE, ...options, signal: abort.signal }, onCancel)
    const reading = readAll(body)
    await scheduler.wait(20)
    abort.abort(new Error('client left'))
    await done
    expect(onCancel.mock.calls).toEqual([[chunksSent]])
    expect((await reading).error).toMatchObject({ message: 'client left' })
  })
})
