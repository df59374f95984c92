/** Reads a request's body within a deadline and at a least rate, as Apache's `mod_reqtimeout` does. */
import type { Deadline } from '../timeout.ts'

/** The least rate of a body, in each `RATE_WINDOW_MS`. The slowest mobile networks are faster. */
export const BODY_BYTES_PER_SECOND_MIN = 1024
/** A network may pause for this long. */
export const RATE_WINDOW_MS = 10_000

export type Reading =
  /** All bytes that were placed, in one memory. */
  | { end: 'complete'; memory: ArrayBuffer }
  /** The deadline has passed, or the rate was too low. */
  | { end: 'late' }
  /** The client has gone, or its bytes are no HTTP. */
  | { end: 'broken' }

export interface InTime {
  /** From now to the end of the body. */
  timeoutMs: number
  /** It is unset when the reading ends. */
  deadline: Deadline
  /** The place of the first bytes. */
  firstPlace: Uint8Array<ArrayBuffer>
  /** Gets bytes in their place, and returns the place of the next ones; `null` where it needs no more. */
  place(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null
}

/**
 * Reads into the caller's own memory, since a default reader allocates 4 KiB for each read and takes four times the CPU time.
 * Each read detaches the memory and gives it back with the bytes.
 *
 * @throws whatever `place` throws. Others can then read the rest of the body.
 */
export async function readInTime(body: ReadableStream<Uint8Array>, options: InTime): Promise<Reading> {
  const reader = body.getReader({ mode: 'byob' })
  const pace = watchPace(
    options.timeoutMs,
    options.deadline,
    () => void reader.cancel().catch(() => undefined),
  )
  try {
    for (let next = options.firstPlace; ;) {
      // A cancelled read rejects or ends, which depends on who made the stream.
      const read = await reader.read(next).catch(() => null)
      if (pace.isLate()) return { end: 'late' }
      const memory = read?.value?.buffer
      if (read === null || memory === undefined) return { end: 'broken' }
      if (read.done) return { end: 'complete', memory }
      pace.count(read.value.length)
      const place = options.place(read.value)
      if (place === null) return { end: 'complete', memory }
      next = place
    }
  } catch (error) {
    reader.releaseLock()
    throw error
  } finally {
    pace.end()
  }
}

/** One deadline for the end and for each window of the rate. */
function watchPace(timeoutMs: number, deadline: Deadline, onLate: () => void) {
  const deadlineMs = Date.now() + timeoutMs
  let bytes = 0
  let isLate = false
  deadline.set(Math.min(timeoutMs, RATE_WINDOW_MS), check)
  function check(): void {
    const leftMs = deadlineMs - Date.now()
    isLate = leftMs <= 0 || bytes < (BODY_BYTES_PER_SECOND_MIN * RATE_WINDOW_MS) / 1000
    bytes = 0
    if (isLate) onLate()
    else deadline.set(Math.min(leftMs, RATE_WINDOW_MS), check)
  }
  return {
    count: (more: number): void => void (bytes += more),
    isLate: (): boolean => isLate,
    end: (): void => deadline.unset(),
  }
}
