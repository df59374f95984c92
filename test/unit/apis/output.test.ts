/** What counts as output of the model in a stream of either API. */
import { describe, expect, it } from 'vitest'
import { chatCompletions } from '../../../src/apis/chat-completions.ts'
import { responses } from '../../../src/apis/responses.ts'

/** The data of a chunk with the given deltas, one for each choice. */
const chunk = (...deltas: object[]): string =>
  JSON.stringify({ choices: deltas.map((delta, index) => ({ index, delta, finish_reason: null })) })

describe('a chunk of a chat completion', () => {
  it.each([
    ['a content', chunk({ content: 'Hi' })],
    ['a content beside a role', chunk({ role: 'assistant', content: 'Hi' })],
    ['a content in its second choice', chunk({ content: '' }, { content: ' ' })],
    ['a refusal', chunk({ refusal: 'No' })],
    ['a tool call', chunk({ role: 'assistant', content: null, tool_calls: [{ index: 0, id: 'call_1' }] })],
    ['a function call', chunk({ content: null, function_call: { name: 'f', arguments: '' } })],
    ['a field that is not known here', chunk({ content: null, audio: { id: 'a' } })],
    ['no choices', '{"delta":"Hi"}'],
    ['no JSON', '[DONE]'],
    ['data so long that they are cut', '{"choices":[{"delta":{"content":"Hi'],
  ])('with %s is output', (_name, data) => {
    expect(chatCompletions.isOutput(data)).toBe(true)
  })

  it.each([
    ['a role and an empty content', chunk({ role: 'assistant', content: '', refusal: null })],
    ['empty lists', chunk({ role: 'assistant', content: null, tool_calls: [] })],
    ['an empty delta', chunk({})],
    ['no delta', '{"choices":[{"index":0}]}'],
    ['an empty list of choices', '{"choices":[],"usage":null}'],
  ])('with %s is no output', (_name, data) => {
    expect(chatCompletions.isOutput(data)).toBe(false)
  })
})

describe('an event of a response', () => {
  it.each([
    { type: 'response.output_item.added', item: { type: 'message' } },
    { type: 'response.output_item.added', item: { type: 'function_call' } },
    { type: 'response.output_text.delta', delta: 'Hi' },
    { type: 'response.refusal.delta', delta: 'No' },
    { type: 'response.reasoning_summary_text.delta', delta: 'Hm' },
    { type: 'response.reasoning_text.delta', delta: 'Hm' },
    { type: 'response.event_of_next_year' },
    { delta: 'Hi' },
  ])('such as %j is output', (event) => {
    expect(responses.isOutput(JSON.stringify(event))).toBe(true)
  })

  it.each([
    { type: 'response.queued' },
    { type: 'response.created', response: { output: [] } },
    { response: { tools: [{ type: 'function' }] }, type: 'response.in_progress' },
    { type: 'response.output_item.added', item: { type: 'reasoning', summary: [] } },
    { type: 'response.output_item.done', item: { type: 'reasoning', summary: [] } },
    { type: 'response.failed' },
    { type: 'response.incomplete' },
    { type: 'error', message: 'm' },
    { type: 'keepalive' },
  ])('such as %j is no output', (event) => {
    expect(responses.isOutput(JSON.stringify(event))).toBe(false)
  })

  it('so long that it is cut is judged by its type', () => {
    const cut = (type: string): string =>
      JSON.stringify({ type, response: { tools: [{ type: 'function' }] } }).slice(0, -2)
    expect(responses.isOutput(cut('response.created'))).toBe(false)
    expect(responses.isOutput(cut('response.output_text.done'))).toBe(true)
  })

  it('that is no JSON is output', () => {
    expect(responses.isOutput('[DONE]')).toBe(true)
  })
})
