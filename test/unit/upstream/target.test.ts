/** The inputs by which a model is asked: native where it takes them, else translated, and fitted to what it refuses. */
import { describe, expect, it } from 'vitest'
import { modelTable } from '../../../src/models/table.ts'
import type { Policy } from '../../../src/upstream/fit-parameters.ts'
import { type CallerRequest, targetOf } from '../../../src/upstream/target.ts'

const CHAT = { messages: [{ role: 'user', content: 'Hi' }], store: false }
const RESPONSES = { input: 'Hi', store: false }
const TOOLS = { tools: [{ type: 'function', function: { name: 'f', parameters: {} } }] }
/** The figures that the catalog does not have of every model. */
const FIGURES = { contextTokens: 1_000, outputTokensMax: 1_000, usdPerMillionTokens: { input: 1, output: 1 } }

function target(slug: string, request: Partial<CallerRequest>) {
  const model = modelTable({ m: { slug, ...FIGURES } }).get('m')
  if (model === undefined) throw new Error('no such row')
  const format = request.format ?? 'chat'
  const tokenCapName = format === 'chat' ? 'max_completion_tokens' : 'max_output_tokens'
  return targetOf(model, { format, inputs: CHAT, policy: 'forward', tokenCapName, dropped: [], ...request })
}

/** Whether the request goes as it is, or what is wrong with it. */
function wayOf(slug: string, request: Partial<CallerRequest>): string | null {
  const made = target(slug, request)
  if ('kind' in made) return made.param
  return made.interpreter === null ? 'native' : 'translated'
}

function fitted(slug: string, inputs: object, policy: Policy, request: Partial<CallerRequest> = {}) {
  const made = target(slug, { inputs: { ...CHAT, ...inputs }, policy, ...request })
  if ('kind' in made) throw new Error(made.message)
  return made
}

describe('a chat request', () => {
  it.each([
    ['openai/o3-mini', TOOLS, 'native'],
    ['openai/gpt-5.1-chat', TOOLS, 'native'],
    ['openai/gpt-5.6-luna', {}, 'translated'],
    ['openai/gpt-6-luna', {}, 'native'],
    ['openai/gpt-6-luna', TOOLS, 'translated'],
    ['openai/gpt-6-luna', { tools: [] }, 'native'],
    ['openai/gpt-6-luna', { ...TOOLS, reasoning_effort: 'none' }, 'native'],
    ['openai/gpt-6-luna', { ...TOOLS, reasoning_effort: 'low' }, 'translated'],
    ['openai/gpt-6.1-sol', { ...TOOLS, reasoning_effort: 'none' }, 'translated'],
    ['openai/gpt-6-astra', {}, 'native'],
    ['vendor/unknown', TOOLS, 'native'],
    ['openai/gpt-6-luna', { ...TOOLS, n: 2 }, 'n'],
    ['openai/gpt-5.6-luna', { seed: 1 }, 'seed'],
  ])('for %s with %j goes %s', (slug, overrides, way) => {
    expect(wayOf(slug, { inputs: { ...CHAT, ...overrides } })).toBe(way)
  })

  it('that is native goes as the same object', () => {
    const made = target('openai/o3-mini', { inputs: CHAT })
    expect('kind' in made ? null : made.inputs).toBe(CHAT)
  })

  it('takes no option of a stream but its usage to a newer model', () => {
    const stream_options = { include_usage: true, include_obfuscation: false }
    const sent = (slug: string, options: object = stream_options) =>
      fitted(slug, { stream_options: options }, 'forward').inputs['stream_options']
    expect(sent('openai/gpt-6-luna')).toEqual({ include_usage: true })
    expect(sent('openai/gpt-6-luna', { include_obfuscation: false })).toBeUndefined()
    expect(sent('openai/o3-mini')).toEqual(stream_options)
  })
})

describe('a Responses request', () => {
  it.each([
    ['openai/o3-mini', 'native'],
    ['openai/gpt-5.6-luna', 'native'],
    ['openai/gpt-5.1-chat', 'translated'],
  ])('for %s goes %s', (slug, way) => {
    expect(wayOf(slug, { format: 'responses', inputs: RESPONSES })).toBe(way)
  })

  it('leaves its labels behind where a chat would have to store them', () => {
    const inputs = { ...RESPONSES, metadata: { a: 'b' } }
    const sent = (store: boolean) =>
      fitted('openai/gpt-5.1-chat', {}, 'forward', { format: 'responses', inputs: { ...inputs, store } })
    expect(sent(false).inputs).not.toHaveProperty('metadata')
    expect(sent(true).inputs).toHaveProperty('metadata')
    expect(sent(false).interpreter?.answer({ id: 'chatcmpl-1', choices: [] })).toMatchObject({
      translated: true,
      answer: { metadata: { a: 'b' } },
    })
  })
})

describe('a parameter that the model refuses', () => {
  it('goes on with forward', () => {
    expect(fitted('openai/o3-mini', { temperature: 1 }, 'forward').inputs).toHaveProperty('temperature')
  })

  it('is refused by name with reject, and left out and told with drop', () => {
    const inputs = { ...CHAT, temperature: 1, max_tokens: 5 }
    expect(target('openai/o3-mini', { inputs, policy: 'reject' })).toMatchObject({
      kind: 'invalid_parameter',
      param: 'max_tokens',
      code: 'unsupported_parameter',
    })
    const dropped = fitted('openai/o3-mini', inputs, 'drop')
    expect(dropped.inputs).toEqual({ ...CHAT, max_completion_tokens: 5 })
    expect(dropped.dropped).toEqual(['max_tokens', 'temperature'])
  })

  it('is judged against the target: chat’s old token cap has a name in Responses', () => {
    for (const policy of ['forward', 'reject', 'drop'] as const) {
      const { inputs, dropped } = fitted('openai/gpt-5.6-luna', { max_tokens: 5 }, policy)
      expect([inputs['max_output_tokens'], dropped]).toEqual([5, []])
    }
  })

  it('and that the other format does not have is dropped before the translation', () => {
    expect(wayOf('openai/gpt-5.6-luna', { inputs: { ...CHAT, logit_bias: { 1: 2 } } })).toBe('logit_bias')
    const { inputs, dropped } = fitted('openai/gpt-5.6-luna', { logit_bias: { 1: 2 } }, 'drop')
    expect([dropped, 'logit_bias' in inputs]).toEqual([['logit_bias'], false])
  })

  it.each([
    ['openai/gpt-6-luna', 'none', []],
    ['openai/gpt-6-sol', 'none', []],
    ['openai/gpt-6-luna', 'low', ['temperature', 'top_p', 'logprobs', 'top_logprobs']],
    ['openai/gpt-6-luna', undefined, ['temperature', 'top_p', 'logprobs', 'top_logprobs']],
    ['openai/gpt-6.1-sol', 'none', ['temperature', 'top_p', 'logprobs', 'top_logprobs']],
  ])('is none of the sampling parameters of %s with the effort %s', (slug, effort, refused) => {
    const sampling = { temperature: 1, top_p: 1, logprobs: true, top_logprobs: 1 }
    expect(fitted(slug, { ...sampling, reasoning_effort: effort }, 'drop').dropped).toEqual(refused)
  })
})

describe('an effort that the model does not take', () => {
  it.each<[string, Policy, string]>([
    ['openai/o3-mini', 'forward', 'minimal'],
    ['openai/o3-mini', 'drop', 'low'],
    ['openai/gpt-6-luna', 'drop', 'low'],
    ['openai/gpt-6-luna', 'forward', 'minimal'],
  ])('stays with a native request to %s and %s: %s', (slug, policy, effort) => {
    expect(fitted(slug, { reasoning_effort: 'minimal' }, policy).inputs['reasoning_effort']).toBe(effort)
  })

  it('becomes the nearest one where the request is translated', () => {
    const { inputs } = fitted('openai/gpt-5.6-luna', { reasoning_effort: 'max' }, 'forward')
    expect(inputs['reasoning']).toEqual({ effort: 'high' })
  })

  it('becomes the nearest one of a Responses request too', () => {
    const request = { format: 'responses' as const, inputs: { ...RESPONSES, reasoning: { effort: 'xhigh' } } }
    const { inputs } = fitted('openai/o3-mini', {}, 'drop', request)
    expect(inputs['reasoning']).toEqual({ effort: 'high' })
  })
})
