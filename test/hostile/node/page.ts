/** Runs in the browser: calls the gateway with the official SDK, and returns what the page can read. */
import OpenAI from 'openai'

export interface Access {
  baseURL: string
  apiKey: string
}

const messages = [{ role: 'user' as const, content: 'Hello!' }]

function clientOf(access: Access): OpenAI {
  return new OpenAI({ ...access, dangerouslyAllowBrowser: true, maxRetries: 0 })
}

export async function create(access: Access, user: string) {
  const pending = clientOf(access).chat.completions.create({ model: 'o3-mini', messages, user })
  const { data, response, request_id } = await pending.withResponse()
  const remaining = response.headers.get('x-ratelimit-remaining-requests')
  return { content: data.choices[0]?.message.content, requestId: request_id, remaining }
}

/** Reads a stream to its end, or cancels it after `chunksMax` chunks. */
export async function stream(access: Access, user: string, chunksMax = Infinity) {
  const chunks = await clientOf(access).chat.completions.create({
    model: 'o3-mini',
    messages,
    user,
    stream: true,
  })
  let content = ''
  let count = 0
  for await (const chunk of chunks) {
    content += chunk.choices[0]?.delta.content ?? ''
    count += 1
    if (count === chunksMax) break
  }
  return { content, count }
}

/** Returns the error of a call that must fail, or `null` if it succeeds. */
export async function refusal(access: Access) {
  try {
    await clientOf(access).models.list()
    return null
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error
    const { status, code, requestID } = error
    return {
      name: error.constructor === OpenAI.APIConnectionError ? 'no connection' : 'answer',
      status,
      code,
      requestID,
    }
  }
}
