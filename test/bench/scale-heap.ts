/** The heap of one isolate, as V8's inspector tells it. */
import { setTimeout as sleep } from 'node:timers/promises'

/** The runtime collects garbage when the isolate next runs, ms. */
const COLLECT_MS_MAX = 1_000

interface Target {
  title: string
  webSocketDebuggerUrl: string
}

/** After a collection of garbage, MiB. `service` is the name of the isolate's service, and `port` is where it listens. */
export async function heapMiB(inspectorPort: number, service: string, port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${inspectorPort}/json`)
  const targets = (await response.json()) as Target[]
  const target = targets.find(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl.endsWith(`/${service}`))
  if (target === undefined) throw new Error(`no isolate ${service}: ${JSON.stringify(targets)}`)
  const socket = new WebSocket(target.webSocketDebuggerUrl)
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  const ask = (id: number, method: string) =>
    new Promise<{ usedSize?: number }>((resolve) => {
      socket.addEventListener('message', ({ data }) => {
        const answer = JSON.parse(String(data)) as { id?: number; result?: { usedSize?: number } }
        if (answer.id === id) resolve(answer.result ?? {})
      })
      socket.send(JSON.stringify({ id, method }))
    })
  const collected = ask(1, 'HeapProfiler.collectGarbage')
  await (await fetch(`http://127.0.0.1:${port}/health`)).arrayBuffer()
  await Promise.race([collected, sleep(COLLECT_MS_MAX)])
  const { usedSize = NaN } = await ask(2, 'Runtime.getHeapUsage')
  socket.close()
  return usedSize / 2 ** 20
}
