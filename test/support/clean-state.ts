/** The state that each test of a file begins with. */
import { reset } from 'cloudflare:test'
import { afterEach, beforeAll, beforeEach, vi } from 'vitest'
import { issueKey } from './gateway.ts'

/**
 * Each test begins at this time, in ms since 1970 or as ISO text, with empty storage and without mocks. The date goes on from
 * there, since a settlement waits for it.
 */
export function startEachAt(time: number | string): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: new Date(time), toFake: ['Date'], shouldAdvanceTime: true })
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.useRealTimers()
    await reset()
  })
}

/** The worker makes its ready-made key at its first request, and that key must be in no list and in no count. */
export function withoutReadyKey(): void {
  beforeAll(async () => {
    await issueKey()
    await reset()
  })
}
