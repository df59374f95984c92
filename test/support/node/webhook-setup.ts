/** Starts the endpoint that receives the alerts of this project's tests. */
import type { TestProject } from 'vitest/node'
import { startWebhookServer } from './webhook-server.ts'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startWebhookServer()
  project.provide('webhookOrigin', server.origin)
  return () => server.stop()
}
