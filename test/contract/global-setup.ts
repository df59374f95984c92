/** Builds the upload once for all contract tests. Each file runs it in its own runtime. */
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
