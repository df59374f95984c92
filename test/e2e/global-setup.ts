/** All end-to-end tests share one gateway. Each creates its own keys. */
import type { TestProject } from 'vitest/node'
import { startOfflineGateway } from '../support/node/offline-gateway.ts'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const gateway = await startOfflineGateway()
  project.provide('gatewayUrl', gateway.url)
  return () => gateway.stop()
}

declare module 'vitest' {
  interface ProvidedContext {
    gatewayUrl: string
  }
}
