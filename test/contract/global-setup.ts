/** Builds the upload once for all contract tests; each file runs it in a runtime of its own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildUpload } from '../support/node/production-worker.ts'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'contract-'))
  const uploadPath = join(directory, 'upload')
  await buildUpload(uploadPath)
  project.provide('uploadPath', uploadPath)
  return () => rm(directory, { recursive: true })
}

declare module 'vitest' {
  interface ProvidedContext {
    uploadPath: string
  }
}
