import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Deadline } from '../../src/timeout.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a deadline', () => {
  it('is due after its time, and once', () => {
    const [deadline, onDue] = [new Deadline(), vi.fn<() => void>()]
    deadline.set(100, onDue)
    vi.advanceTimersByTime(99)
    expect(onDue).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1_000)
    expect(onDue).toHaveBeenCalledTimes(1)
  })

  it('takes the place of the one before, whether it is later or earlier', () => {
    for (const ms of [60_000, 10]) {
      const [deadline, before, onDue] = [new Deadline(), vi.fn<() => void>(), vi.fn<() => void>()]
      deadline.set(100, before)
      deadline.set(ms, onDue)
      vi.advanceTimersByTime(ms - 1)
      expect(onDue).not.toHaveBeenCalled()
      vi.advanceTimersByTime(1)
      expect(onDue).toHaveBeenCalledTimes(1)
      vi.advanceTimersByTime(100)
      expect(before).not.toHaveBeenCalled()
    }
  })

  it('is never due once it is unset or has ended, unless another is set', () => {
    const [deadline, before, onDue] = [new Deadline(), vi.fn<() => void>(), vi.fn<() => void>()]
    deadline.set(100, before)
    deadline.unset()
    vi.advanceTimersByTime(50)
    deadline.set(100, onDue)
    vi.advanceTimersByTime(99)
    expect(onDue).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(onDue).toHaveBeenCalledTimes(1)
    deadline.set(100, before)
    deadline.end()
    vi.advanceTimersByTime(1_000)
    expect(before).not.toHaveBeenCalled()
  })

  it('leaves no timer behind when it has ended', () => {
    const deadline = new Deadline()
    deadline.set(100, () => undefined)
    deadline.set(60_000, () => undefined)
    deadline.end()
    expect(vi.getTimerCount()).toBe(0)
  })
})
