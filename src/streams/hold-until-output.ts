/** Holds a stream back until its first output, so that another model can still answer in its place. */
import type { AcceptedResult, UpstreamResult } from '../upstream/call.ts'
import type { Cancellation } from '../upstream/cancellation.ts'
import { failureOfAnswer, failureOfError, type FailureOutcome } from '../upstream/failures.ts'
import { errorOfEvent } from '../upstream/translate/answer-error.ts'
import { parseJson } from '../wire/parse-json.ts'
import { OutputScanner } from './output-scanner.ts'

/**
 * Bytes that are held back at most. The first events of a response repeat its instructions and tools. A stream with more
 * before its output goes to the client as it is.
 */
export const HELD_BYTES_MAX = 256 * 1024

/**
 * The same result with the first bytes of its stream. A stream that breaks before its first output is a failure, and so is one
 * that tells an error there on which another model can be tried.
 */
export async function holdUntilOutput(
  accepted: AcceptedResult,
  isOutput: (data: string) => boolean,
  attempt: Pick<Cancellation, 'race'>,
): Promise<UpstreamResult> {
  const told: FailureOutcome[] = []
  const scanner = new OutputScanner((data) => {
    const error = errorOfEvent(parseJson(data))
    if (error !== null) told.push(failureOfAnswer(error))
    return error !== null || isOutput(data)
  })
  const reader = accepted.response.body.getReader()
  const held: Uint8Array[] = []
  let bytes = 0
  try {
    while (!scanner.hasOutput && bytes <= HELD_BYTES_MAX) {
      const next = await attempt.race(reader.read())
      if (next.done) break
      held.push(next.value)
      bytes += next.value.length
      scanner.scan(next.value)
    }
    if (bytes === 0) throw new Error('an empty stream')
    const [failure] = told
    if (failure !== undefined && failure.fallsBack !== 'never') {
      reader.cancel().catch(() => undefined)
      return { accepted: false, ...failure }
    }
    reader.releaseLock()
    return { ...accepted, held }
  } catch (error) {
    reader.cancel().catch(() => undefined)
    return { accepted: false, ...failureOfError(error) }
  }
}
