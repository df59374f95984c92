/** The upstream of the soak. The tag of a call names its kind of answer and its usage. */
import { randomUUID } from 'node:crypto'
import type { GatewayLogs } from '../support/node/upstream-logs.ts'
import { type Answer, failure, jsonAnswer, paced, streamAnswer } from '../support/node/upstream-answer.ts'
import type { UpstreamCall } from '../support/node/upstream-server.ts'

export interface Plan {
  kind: 'json' | 'stream' | 'slow' | 'refused' | 'reset' | 'broken' | 'disconnecting'
  promptTokens: number
  completionTokens: number
}

export function tagOf({ kind, promptTokens, completionTokens }: Plan): string {
  return `${kind}:${promptTokens}:${completionTokens}`
}

/** The pause between two chunks, ms, so that streams overlap. */
const CHUNK_PAUSE_MS = 3

export function answerOf(call: UpstreamCall, logs: GatewayLogs): Answer {
  const [kind, prompt, completion] = call.tag.split(':')
  const usage = {
    prompt_tokens: Number(prompt),
    completion_tokens: Number(completion),
    total_tokens: Number(prompt) + Number(completion),
  }
  if (kind === 'refused') return failure.cloudflareErrors(500, 5016, 'an error of the soak')
  if (kind === 'reset') return { instead: 'reset' }
  const logId = randomUUID()
  // The log is late, as the real log is: the first read does not find it.
  logs.script(logId, {
    record: { tokens_in: Number(prompt), tokens_out: Number(completion) },
    notFoundTimes: 1,
  })
  if (kind === 'json') {
    const body = {
      id: 'chatcmpl-soak',
      object: 'chat.completion',
      choices: [{ index: 0, message: { content: 'ok' } }],
      usage,
    }
    return jsonAnswer(JSON.stringify(body), 200, { 'cf-aig-log-id': logId })
  }
  const includesUsage =
    (call.inputs['stream_options'] as { include_usage?: boolean } | undefined)?.include_usage === true
  const events = Array.from({ length: Number(completion) }, (_, number) =>
    event({ choices: [{ index: 0, delta: { content: `w${number} ` } }] }),
  )
  if (includesUsage) events.push(event({ choices: [], usage }))
  const answer = streamAnswer(
    paced(kind === 'broken' ? events.slice(0, 5) : [...events, 'data: [DONE]\n\n'], CHUNK_PAUSE_MS),
    kind === 'broken' ? 'reset' : 'end',
  )
  return { ...answer, headers: { ...answer.headers, 'cf-aig-log-id': logId } }
}

function event(data: object): string {
  return `data: ${JSON.stringify({ id: 'chatcmpl-soak', object: 'chat.completion.chunk', ...data })}\n\n`
}
