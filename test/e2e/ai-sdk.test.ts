/** The Vercel AI SDK works with its OpenAI provider, given the README's recipe: nothing is stored with the vendor. */
import { createOpenAI } from '@ai-sdk/openai'
import { APICallError, generateText, isStepCount, streamText, tool } from 'ai'
import { describe, expect, inject, it } from 'vitest'
import * as z from 'zod'

/** The README prints this key. */
const apiKey = 'sk-gw-LocalOffline-ForThisMachineOnlyNotSecret0xan2N'
const baseURL = `${inject('gatewayUrl')}/v1`

const tools = {
  getWeather: tool({
    description: 'The weather of a city',
    inputSchema: z.object({ city: z.string() }),
    execute: () => '21 degrees',
  }),
}

/** A provider, and the bodies that it has sent. */
function recordingProvider() {
  const sent: { input: { type?: string }[]; store?: boolean; include?: string[] }[] = []
  const openai = createOpenAI({
    apiKey,
    baseURL,
    fetch: (input, init) => {
      if (typeof init?.body === 'string') sent.push(JSON.parse(init.body))
      return fetch(input, init)
    },
  })
  return { openai, sent }
}

const question = { prompt: 'How is the weather in Paris?', tools, stopWhen: isStepCount(2), maxRetries: 0 }
const recipe = { providerOptions: { openai: { store: false } } }

describe('openai("o3-mini") with tools', () => {
  it('answers after two steps with store: false, and carries the reasoning itself', async () => {
    const { openai, sent } = recordingProvider()
    const result = await generateText({ model: openai('o3-mini'), ...question, ...recipe })
    expect(result.steps.map(({ toolResults }) => toolResults.map(({ output }) => output))).toEqual([
      ['21 degrees'],
      [],
    ])
    expect(result.text).toContain('21 degrees')
    expect(sent.map(({ store, include }) => ({ store, include }))).toEqual([
      { store: false, include: ['reasoning.encrypted_content'] },
      { store: false, include: ['reasoning.encrypted_content'] },
    ])
    expect(sent[1]?.input).toContainEqual(
      expect.objectContaining({ type: 'reasoning', encrypted_content: expect.stringMatching(/./) }),
    )
    expect(sent[1]?.input.map(({ type }) => type)).not.toContain('item_reference')
  })

  it('streams two steps with store: false', async () => {
    const { openai } = recordingProvider()
    const result = streamText({ model: openai('o3-mini'), ...question, ...recipe })
    expect(await result.text).toContain('21 degrees')
    expect(await result.steps).toHaveLength(2)
  })

  it('gets a 400 with that recipe in its second step without it', async () => {
    const { openai, sent } = recordingProvider()
    const error = await generateText({ model: openai('o3-mini'), ...question }).then(
      () => null,
      (e: unknown) => e,
    )
    expect(sent[1]?.input.map(({ type }) => type)).toContain('item_reference')
    expect(APICallError.isInstance(error) && error.statusCode).toBe(400)
    expect(String(error)).toContain('providerOptions: { openai: { store: false } }')
  })
})

it('openai.chat("o3-mini") answers after two steps without any option', async () => {
  const { openai } = recordingProvider()
  const result = await generateText({ model: openai.chat('o3-mini'), ...question })
  expect(result.text).toContain('21 degrees')
})
