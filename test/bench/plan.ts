/** The scenarios and their durations: the full plan, and the quick plan of about a minute. */
import type { LoadScenario } from './measure-load.ts'
import { chatBody } from './prepared.ts'
import type { SubjectName } from './subjects.ts'

export interface Plan {
  /** The subjects of the stream scenarios. */
  streamSubjects: readonly SubjectName[]
  json: LoadScenario[]
  streams: (LoadScenario & { paceMs: number })[]
  startRounds: number
  memoryRounds: number
}

const HELLO_CHARACTERS = 60
const PACE_MS = 20
/** Concurrent streams. A paced stream takes 4 s. The naive gateway takes 12 s for 500 unpaced streams. */
const STREAMS = [1, 100, 500]
const QUICK_STREAMS = [1, 100]
const QUICK_PACED = [100]

/** The plan of the scenarios with `only` in their name; an empty `only` keeps all. */
export function planOf({ quick, only }: { quick: boolean; only: string }): Plan {
  const isWanted = ({ name }: { name: string }): boolean => name.includes(only)
  const json = { stream: false, rampMs: 0, ...(quick ? QUICK_JSON : FULL_JSON) }
  const unpaced = { stream: true, paceMs: 0, rampMs: 0, ...(quick ? QUICK_UNPACED : FULL_UNPACED) }
  // The unpaced streams have warmed up the subjects, unless they are left out.
  const pacedWarmUpMs = only === '' ? 0 : 1
  const paced = { stream: true, paceMs: PACE_MS, rampMs: 500, durationMs: 0, warmUpMs: pacedWarmUpMs }
  const small = chatBody(1, HELLO_CHARACTERS, false)
  const streamed = chatBody(1, HELLO_CHARACTERS, true)
  return {
    streamSubjects: quick ? QUICK_SUBJECTS : FULL_SUBJECTS,
    json: [
      ...[1, 16, 64].map((concurrency) => ({
        ...json,
        name: `JSON, 1 message, ${concurrency} at once`,
        body: small,
        concurrency,
      })),
      { ...json, name: 'JSON, 100 messages, 16 at once', body: chatBody(100, 200, false), concurrency: 16 },
      { ...json, name: 'JSON, 1 MB, 16 at once', body: chatBody(20, 50_000, false), concurrency: 16 },
    ].filter(isWanted),
    streams: [
      ...(quick ? QUICK_STREAMS : STREAMS).map((concurrency) => ({
        ...unpaced,
        name: `streams, unpaced, ${concurrency} at once`,
        body: streamed,
        concurrency,
      })),
      ...(quick ? QUICK_PACED : STREAMS).map((concurrency) => ({
        ...paced,
        name: `streams, a chunk every ${PACE_MS} ms, ${concurrency} at once`,
        body: streamed,
        concurrency,
        rounds: quick ? 1 : 3,
      })),
    ].filter(isWanted),
    startRounds: 'start'.includes(only) ? (quick ? 3 : 21) : 0,
    memoryRounds: !quick && 'memory'.includes(only) ? 3 : 0,
  }
}

const FULL_SUBJECTS: readonly SubjectName[] = [
  'bare',
  'skeleton',
  'gateway',
  'never',
  'skeleton-always',
  'always',
  'translated',
  'translated-always',
  'naive',
]
/** `never` is left out, since `gateway` pipes natively too. */
const QUICK_SUBJECTS = FULL_SUBJECTS.filter((name) => name !== 'never' && name !== 'skeleton-always')

/** Rounds are short, so that a disturbance of some seconds affects all subjects of a round alike. */
const FULL_JSON = { rounds: 21, durationMs: 300, warmUpMs: 3_000 }
const QUICK_JSON = { rounds: 3, durationMs: 150, warmUpMs: 200 }
const FULL_UNPACED = { rounds: 5, durationMs: 500, warmUpMs: 500 }
const QUICK_UNPACED = { rounds: 2, durationMs: 150, warmUpMs: 150 }
