/** Answers that are no stream, and the names of parameters in the upstream's errors, as the caller knows them. */
import { describe, expect, it } from 'vitest'
import { chatOverResponses, responsesOverChat } from '../../../../src/upstream/translate/translation.ts'
import documented from '../../../support/fixtures/response.json'
import { type Request, simulated, SHELL, wire, WEATHER } from './sources.ts'

const TEXT = { type: 'text', text: 'Hi' }

function namesFrom(translation: typeof chatOverResponses, inputs: Request) {
  const request = translation.request(inputs, null)
  if (!request.translated) throw new Error(request.failure.message)
  return (param: string | null) =>
    request.toCaller({ param, message: `Invalid value for '${param}'.`, code: 'c' })
}

describe('an error of the upstream names what the caller of chat completions has sent', () => {
  const names = namesFrom(chatOverResponses, {
    messages: [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: [TEXT, TEXT] },
      {
        role: 'assistant',
        content: 'I will.',
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'one' },
    ],
    tools: [WEATHER, SHELL],
    response_format: { type: 'json_schema', json_schema: { name: 'n', schema: {} } },
    max_tokens: 10,
  })

  it.each([
    ['input', 'messages'],
    ['input[0].content', 'messages[0].content'],
    ['input[1].content[1].text', 'messages[1].content[1].text'],
    ['input[2]', 'messages[2]'],
    ['input[3].name', 'messages[2].tool_calls[0]'],
    ['input[4].output', 'messages[3].content'],
    ['tools[0].parameters', 'tools[0].function.parameters'],
    ['tools[1].format', 'tools[1].custom.format'],
    ['tools[0].type', 'tools[0].type'],
    ['text.format.schema', 'response_format.json_schema.schema'],
    ['text.format', 'response_format'],
    ['text.verbosity', 'verbosity'],
    ['reasoning.effort', 'reasoning_effort'],
    ['max_output_tokens', 'max_tokens'],
    ['include', 'logprobs'],
    ['temperature', 'temperature'],
    ['model', 'model'],
  ])('%s as %s', (param, name) => {
    expect(names(param)).toEqual({ param: name, message: `Invalid value for '${name}'.`, code: 'c' })
  })

  it('and nothing where it names nothing', () => {
    expect(names(null)).toMatchObject({ param: null })
  })

  it('and the newer name of the token cap where the caller has sent none', () => {
    const messages = [{ role: 'user', content: 'Hi' }]
    expect(namesFrom(chatOverResponses, { messages })('max_output_tokens').param).toBe(
      'max_completion_tokens',
    )
  })
})

describe('an error of the upstream names what the caller of Responses has sent', () => {
  const names = namesFrom(responsesOverChat, {
    instructions: 'Be brief.',
    input: [
      { role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
      { type: 'reasoning', summary: [] },
      { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'one' },
    ],
    tools: [{ type: 'function', name: 'f', parameters: {} }],
    text: { format: { type: 'json_schema', name: 'n', schema: {} } },
  })

  it.each([
    ['messages', 'input'],
    ['messages[0].content', 'instructions'],
    ['messages[1].content[0].text', 'input[0].content[0].text'],
    ['messages[2].tool_calls[0].function.name', 'input[2]'],
    ['messages[3].content', 'input[3].output'],
    ['tools[0].function.parameters', 'tools[0].parameters'],
    ['response_format.json_schema.schema', 'text.format.schema'],
    ['response_format', 'text.format'],
    ['verbosity', 'text.verbosity'],
    ['reasoning_effort', 'reasoning.effort'],
    ['max_completion_tokens', 'max_output_tokens'],
    ['logprobs', 'include'],
    ['top_p', 'top_p'],
  ])('%s as %s', (param, name) => {
    expect(names(param)).toEqual({ param: name, message: `Invalid value for '${name}'.`, code: 'c' })
  })
})

describe('a response becomes a chat completion', () => {
  const answerOf = (response: unknown) => {
    const translated = chatOverResponses.answer(response, {})
    if (!translated.translated) throw new Error(translated.error.message)
    return wire(translated.answer)
  }

  it.each<[string, Request]>([
    ['a text', {}],
    ['a call of a function', { tools: [WEATHER] }],
    ['a call of a custom tool', { tools: [SHELL] }],
    ['a text that is cut', { max_completion_tokens: 270 }],
    ['no text, since the reasoning took all tokens', { max_completion_tokens: 100 }],
  ])('that says what a native one says with %s', (_name, fields) => {
    const { chat, responses } = simulated(fields)
    const native = chat.answer['choices']
    expect(answerOf(responses.answer)).toMatchObject({
      object: 'chat.completion',
      id: expect.stringMatching(/^chatcmpl-/),
      choices: native,
    })
  })

  it('with every kind of token that the response counts', () => {
    const { usage } = documented
    expect(answerOf(documented)['usage']).toMatchObject({
      prompt_tokens: usage.input_tokens,
      completion_tokens: usage.output_tokens,
      total_tokens: usage.total_tokens,
      prompt_tokens_details: usage.input_tokens_details,
      completion_tokens_details: usage.output_tokens_details,
    })
  })

  it.each([
    ['max_output_tokens', 'length'],
    ['content_filter', 'content_filter'],
  ])('whose incompleteness by %s is the finish reason %s', (reason, finishReason) => {
    const response = { ...documented, status: 'incomplete', incomplete_details: { reason } }
    expect(answerOf(response)['choices']).toMatchObject([{ finish_reason: finishReason }])
  })

  it('whose refusal stands beside an empty content', () => {
    const output = [{ type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] }]
    expect(answerOf({ ...documented, output })['choices']).toMatchObject([
      { message: { content: null, refusal: 'No.' }, finish_reason: 'stop' },
    ])
  })

  it('and is an error where the response has failed, with or without a reason', () => {
    const error = { code: 'server_error', message: 'Oh.' }
    expect(chatOverResponses.answer({ ...documented, status: 'failed', error }, {})).toEqual({
      translated: false,
      error: { message: 'Oh.', type: 'server_error', param: null, code: 'server_error' },
    })
    expect(chatOverResponses.answer({ ...documented, status: 'failed' }, {})).toMatchObject({
      translated: false,
    })
  })
})
