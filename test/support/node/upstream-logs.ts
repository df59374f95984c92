/** Serves AI Gateway's log API to the runtime's `AiGateway` class. A log can appear some time after its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const LOG_PATH = /^\/ai-gateway\/gateways\/([^/]+)\/logs\/([^/]+)$/

export interface LogScript {
  /** The record, with values of any type. The class converts its `created_at` into a `Date`. */
  record?: Record<string, unknown>
  /** The number of reads that get 404 before the log appears. Default 0. Without a `record` all reads get 404. */
  notFoundTimes?: number
  /** The delay before each answer. Default 0. */
  delayMs?: number
  /** Sent instead of the record on every read. */
  failure?: { status: number; body: string }
  /** `true` sends nothing on any read. The connection is open until the caller or the server ends it. Default `false`. */
  hang?: boolean
}

export interface LogRequest {
  method: string
  gatewayId: string
  logId: string
}

export class GatewayLogs {
  readonly requests: LogRequest[] = []
  readonly #scripts = new Map<string, LogScript>()

  /** Registers the log that an answer names in `cf-aig-log-id`. */
  script(logId: string, script: LogScript): void {
    this.#scripts.set(logId, script)
  }

  /** Answers a request for a log. Returns `false` for any other request. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const [, gatewayId, logId] = LOG_PATH.exec(request.url ?? '') ?? []
    if (gatewayId === undefined || logId === undefined) return false
    const asked = this.requests.filter((earlier) => earlier.logId === logId).length
    this.requests.push({ method: request.method ?? '', gatewayId, logId })
    request.resume()
    const { record, notFoundTimes = 0, delayMs = 0, failure, hang = false } = this.#scripts.get(logId) ?? {}
    if (hang) return true
    await sleep(delayMs)
    const { status, body } = failure ?? answerOf(asked < notFoundTimes ? undefined : record)
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    return true
  }
}

function answerOf(record: Record<string, unknown> | undefined): { status: number; body: string } {
  return record === undefined
    ? {
        status: 404,
        body: JSON.stringify({ success: false, errors: [{ code: 7002, message: 'Log not found' }] }),
      }
    : { status: 200, body: JSON.stringify({ success: true, result: record }) }
}
