import { describe, expect, it } from 'vitest'
import { CHUNKS_MAX, DELAY_MS_MAX, parseScript } from '../../../src/local/script.ts'

const SLUG = 'openai/o3-mini'

describe('the script in `simulate`', () => {
  it('has default pauses', () => {
    expect(parseScript(undefined, SLUG)).toEqual({ firstByteDelayMs: 0, thinkMs: 300, chunkDelayMs: 30 })
    expect(parseScript(null, SLUG)).toEqual(parseScript({}, SLUG))
  })

  it('accepts every known field', () => {
    const script = {
      tag: 'mine',
      firstByteDelayMs: 1,
      thinkMs: 0,
      chunkDelayMs: 0,
      chunks: CHUNKS_MAX,
      chunkBytes: 7,
      headers: { 'x-more': '1' },
      usage: { completion_tokens: 9 },
      log: { delayMs: DELAY_MS_MAX, hang: true, entry: { tokens_in: '12', cached: null } },
    }
    expect(parseScript({ ...script, cut: 3 }, SLUG)).toEqual({ ...script, cut: 3 })
    expect(parseScript({ ...script, usage: null }, SLUG)).toEqual({ ...script, usage: null })
  })

  it.each<[string, unknown]>([
    ['simulate', 'fast'],
    ['simulate.thinkMS', { thinkMS: 1 }],
    ['simulate.thinkMs', { thinkMs: -1 }],
    ['simulate.firstByteDelayMs', { firstByteDelayMs: DELAY_MS_MAX + 1 }],
    ['simulate.chunkDelayMs', { chunkDelayMs: '30' }],
    ['simulate.chunks', { chunks: CHUNKS_MAX + 1 }],
    ['simulate.chunks', { chunks: 1.5 }],
    ['simulate.chunkBytes', { chunkBytes: 0 }],
    ['simulate.error.shape', { error: { shape: 'xml' } }],
    ['simulate.error.status', { error: { shape: 'text', status: 99 } }],
    ['simulate.error.why', { error: { shape: 'text', why: 1 } }],
    ['simulate.undefined', { undefined: false }],
    ['simulate.hang', { hang: 'body' }],
    ['simulate.headers.x', { headers: { x: 1 } }],
    ['simulate.headers', { headers: { 'not a name': '1' } }],
    ['simulate.usage', { usage: 5 }],
    ['simulate.log', { log: 5 }],
    ['simulate.log.delay', { log: { delay: 5 } }],
    ['simulate.log.delayMs', { log: { delayMs: -1 } }],
    ['simulate.log.delayMs', { log: { delayMs: DELAY_MS_MAX + 1 } }],
    ['simulate.log.missing', { log: { missing: false } }],
    ['simulate.log.hang', { log: { hang: 'headers' } }],
    ['simulate.log.entry', { log: { entry: null } }],
    ['simulate.log', { log: { missing: true, entry: {} } }],
    ['simulate', { throw: 'a', cut: 1 }],
  ])('names the invalid field: %s', (param, script) => {
    const refusal = parseScript(script, SLUG)
    expect(refusal).toMatchObject({ refused: true, param })
    expect(refusal).toHaveProperty('message', expect.stringContaining(param === 'simulate' ? '' : param))
  })
})

describe('an ending', () => {
  it('can be that of one model alone', () => {
    const script = { endingOf: 'openai/other', cut: 3, chunks: 5 }
    expect(parseScript(script, 'openai/other')).toMatchObject({ cut: 3, chunks: 5 })
    expect(parseScript(script, SLUG)).toMatchObject({ chunks: 5 })
    expect(parseScript(script, SLUG)).not.toHaveProperty('cut')
  })
})
