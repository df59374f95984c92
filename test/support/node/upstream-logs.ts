/** AI Gateway's log API, as the runtime's `AiGateway` class asks it: a log appears some time after its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const LOG_PATH = /^\/ai-gateway\/gateways\/([^/]+)\/logs\/([^/]+)$/

export interface LogScript {
  /** The record; the class makes a `Date` of its `created_at`. */
  record?: Record<string, unknown>
  /** So many first questions get 404: the log is not there yet. Default 0; without a `record` all of them do. */
  notFoundTimes?: number
  /** Before each answer. Default 0. */
  delayMs?: number
  /** Instead of the record, every time. */
  failure?: { status: number; body: string }
}

export interface LogRequest {
  method: string
  gatewayId: string
  logId: string
}

export class GatewayLogs {
  readonly requests: LogRequest[] = []
  readonly #scripts = new Map<string, LogScript>()

  /** What is known about the log that an answer named in `cf-aig-log-id`. */
  script(logId: string, script: LogScript): void {
    this.#scripts.set(logId, script)
  }

  /** `false` where the request is not for a log. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const [, gatewayId, logId] = LOG_PATH.exec(request.url ?? '') ?? []
    if (gatewayId === undefined || logId === undefined) return false
    const asked = this.requests.filter((earlier) => earlier.logId === logId).length
    this.requests.push({ method: request.method ?? '', gatewayId, logId })
    request.resume()
    const { record, notFoundTimes = 0, delayMs = 0, failure } = this.#scripts.get(logId) ?? {}
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
