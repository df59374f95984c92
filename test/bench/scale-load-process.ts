/** The load of the scale bench, a process of its own: paced requests with many keys over several ports. Refusals are counted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { answerParent } from './child.ts'
import { LoadConnection } from './load-connection.ts'
import { requestBytes } from './prepared.ts'

export interface ScaleLoad {
  /** The isolates. Connections are spread over them evenly. */
  ports: readonly number[]
  /** The keys take turns. */
  secrets: readonly string[]
  body: string
  requests: number
  connections: number
  /** Begun in a second, evenly; `Infinity` sends a request as soon as a connection is free. */
  perSecond: number
}

export interface ScaleLoadResult {
  /** Answers by status. */
  statuses: Record<number, number>
  /** Of each admitted request: ms since the first request began. */
  admittedAtMs: number[]
}

answerParent(async (load: ScaleLoad): Promise<ScaleLoadResult> => {
  const { ports, secrets, body, requests, connections, perSecond } = load
  const statuses: Record<number, number> = {}
  const admittedAtMs: number[] = []
  const startedMs = performance.now()
  let begun = 0
  const work = async (at: number): Promise<void> => {
    const port = ports[at % ports.length] ?? 0
    let connection = await LoadConnection.open(port)
    // An overloaded runtime drops some connections.
    const sendOrRetry = async (request: Buffer): Promise<number> => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return (await connection.send(request, true)).status
        } catch (error) {
          if (attempt === ATTEMPTS_MAX) throw error
          connection.close()
          connection = await LoadConnection.open(port)
        }
      }
    }
    while (begun < requests) {
      const number = begun++
      const waitMs = startedMs + (number / perSecond) * 1000 - performance.now()
      if (waitMs > IDLE_MS) {
        // The runtime closes an idle connection after 5 s.
        connection.close()
        await sleep(waitMs)
        connection = await LoadConnection.open(port)
      } else if (waitMs > 0) await sleep(waitMs)
      const request = requestBytes(port, secrets[number % secrets.length] ?? '', body)
      const status = await sendOrRetry(request)
      statuses[status] = (statuses[status] ?? 0) + 1
      if (status === 200) admittedAtMs.push(performance.now() - startedMs)
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: connections }, (_, at) => work(at)))
  return { statuses, admittedAtMs }
})

const IDLE_MS = 2_000
const ATTEMPTS_MAX = 5
