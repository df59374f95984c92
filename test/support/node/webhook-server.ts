/** A receiving endpoint for alerts. Tests inside the pool set its answer and read what it has received over HTTP. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { ReceivedAlert, WebhookAnswer } from '../webhook.ts'

export interface WebhookServer {
  /** Its origin. Alerts go to `/hook`. */
  origin: string
  received(): readonly ReceivedAlert[]
  /** Answers so from now on, and forgets what was received. Default 200. */
  reset(answer: WebhookAnswer): void
  stop(): Promise<void>
}

export async function startWebhookServer(): Promise<WebhookServer> {
  let received: ReceivedAlert[] = []
  let answer: WebhookAnswer = 200
  const reset = (next: WebhookAnswer): void => {
    received = []
    answer = next
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    if (request.url === '/received') return void response.end(JSON.stringify(received))
    if (request.url === '/answer') {
      reset(JSON.parse(body) as WebhookAnswer)
      return void response.end()
    }
    const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)])
    received.push({ headers: Object.fromEntries(headers) as Record<string, string>, body })
    if (answer === 'hang') return
    if (answer === 'endless body') {
      response.writeHead(200)
      const timer = setInterval(() => response.write('x'.repeat(65_536)), 1)
      response.once('close', () => clearInterval(timer))
      return
    }
    const location = answer >= 300 && answer < 400 ? { location: '/elsewhere' } : {}
    response.writeHead(answer, location).end('the answer of the endpoint')
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => received,
    reset,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
