/** Parses the body field `simulate`, with which a caller scripts the simulator's behaviour. */

import * as z from 'zod/mini'
import type { Refusal } from './model/parsed-request.ts'

/** The longest scripted delay, and the longest hang: 10 minutes. */
export const DELAY_MS_MAX = 600_000

export const CHUNKS_MAX = 100_000

/** The largest piece that `chunkBytes` can ask for: 1 MiB. */
export const CHUNK_BYTES_MAX = 1_048_576

export const TAG_CHARACTERS_MAX = 200

/** The default pause before the headers of a JSON answer, or before the first chunk of a stream. */
export const THINK_MS_DEFAULT = 300

/** The default pause before each word: about reading speed. */
export const CHUNK_DELAY_MS_DEFAULT = 30

export const ERROR_SHAPES = [
  'openai',
  'cloudflare_errors',
  'cloudflare_internal',
  'text',
  'html',
  'empty',
] as const

const milliseconds = whole(0, DELAY_MS_MAX, 'milliseconds')
const chunkCount = whole(0, CHUNKS_MAX, 'chunks')
const text = z.string('must be a string')
const flag = z.literal(true, 'must be true, or left out')

const errorSchema = z.strictObject(
  {
    shape: z.enum(ERROR_SHAPES, `must be one of ${ERROR_SHAPES.join(', ')}`),
    status: z.optional(whole(200, 599, 'an HTTP status')),
    code: z.optional(z.union([z.string(), z.number()], 'must be a string or a number')),
    message: z.optional(text),
    retryAfter: z.optional(z.union([z.string(), z.number()], 'must be seconds or an HTTP date')),
  },
  'must be an object',
)

const logSchema = z
  .strictObject(
    {
      /** The entry appears so long after the answer's headers. 0 by default. */
      delayMs: z.optional(milliseconds),
      /** The entry never appears. No other field goes with it. */
      missing: z.optional(flag),
      /** `getLog` stays pending for 10 minutes, and then finds no entry. */
      hang: z.optional(flag),
      /** These fields override those of the entry, with values of any type. */
      entry: z.optional(z.record(z.string(), z.unknown(), 'must be an object')),
    },
    'must be an object',
  )
  .check(
    z.refine((log) => log.missing === undefined || Object.keys(log).length === 1, {
      error: 'must have no other field beside missing',
    }),
  )

const scriptSchema = z.strictObject(
  {
    /** Names the call in `calls()` and `cancellations()`. */
    tag: z.optional(
      text.check(z.maxLength(TAG_CHARACTERS_MAX, `must be at most ${TAG_CHARACTERS_MAX} characters`)),
    ),
    /** The pause before the status line and the headers, also before those of an error. */
    firstByteDelayMs: z.prefault(milliseconds, 0),
    /** The pause before a JSON answer, or between the headers of a stream and its first chunk. */
    thinkMs: z.prefault(milliseconds, THINK_MS_DEFAULT),
    /** The pause before each content chunk. */
    chunkDelayMs: z.prefault(milliseconds, CHUNK_DELAY_MS_DEFAULT),
    /** The answer is this many words, one in each chunk, whatever the question is. */
    chunks: z.optional(chunkCount),
    /** The body goes out in pieces of this many bytes. The last piece may be smaller. */
    chunkBytes: z.optional(whole(1, CHUNK_BYTES_MAX, 'bytes')),
    /** The answer is an error. */
    error: z.optional(errorSchema),
    /** `run()` rejects with an Error of this message. */
    throw: z.optional(text),
    /** `run()` resolves to undefined. */
    undefined: z.optional(flag),
    /** The body breaks after so many chunks. */
    cut: z.optional(chunkCount),
    /** The body ends without an error after so many chunks, but without its end mark. */
    end: z.optional(chunkCount),
    /** `'headers'`: `run()` stays pending. A number: the body stops after so many chunks. `true` is the same as 0. */
    hang: z.optional(
      z.union([flag, z.literal('headers'), chunkCount], "must be true, 'headers' or a number of chunks"),
    ),
    /** The ending is that of the model with this slug alone. Other models answer as usual. */
    endingOf: z.optional(text),
    /** The model's name in the answer, as if the upstream had replaced it. */
    model: z.optional(text),
    /** The tier in the answer, as if the vendor had served the request by another one than it asked for. */
    serviceTier: z.optional(text),
    /** These headers override those of the answer. */
    headers: z.optional(
      z
        .record(z.string(), z.string('must be a string'), 'must be an object of strings')
        .check(z.refine(areHeaders, 'must have valid header names and values')),
    ),
    /** These fields override those of the reported usage; null reports no usage. */
    usage: z.optional(z.nullable(z.record(z.string(), z.unknown(), 'must be an object or null'))),
    /** The entry in AI Gateway's log. By default it appears at once, or never if `usage` is null. */
    log: z.optional(logSchema),
  },
  'must be an object',
)

export type Script = z.output<typeof scriptSchema>
export type ScriptedError = z.output<typeof errorSchema>
export type ScriptedLog = z.output<typeof logSchema>

/** The script for a model. A missing one is the default: an ordinary answer with the default pauses. */
export function parseScript(value: unknown, slug: string): Script | Refusal {
  const parsed = scriptSchema.safeParse(value ?? {})
  if (!parsed.success) return refusal(parsed.error.issues[0])
  const { throw: message, undefined: nothing, error, cut, end, hang } = parsed.data
  const endings = Object.entries({ throw: message, undefined: nothing, error, cut, end, hang })
    .filter(([, scripted]) => scripted !== undefined)
    .map(([name]) => `'${name}'`)
  if (endings.length <= 1)
    return (parsed.data.endingOf ?? slug) === slug ? parsed.data : withoutEnding(parsed.data)
  return {
    refused: true,
    param: 'simulate',
    message: `Only one of ${endings.join(' and ')} can be simulated in a call.`,
  }
}

function withoutEnding({
  throw: _message,
  undefined: _nothing,
  error: _error,
  cut: _cut,
  end: _end,
  hang: _hang,
  ...others
}: Script): Script {
  return others
}

function refusal(issue: z.core.$ZodIssue | undefined): Refusal {
  const path = ['simulate', ...(issue?.path ?? [])]
  if (issue?.code === 'unrecognized_keys') {
    const param = [...path, issue.keys[0] ?? ''].map(String).join('.')
    return { refused: true, param, message: `Unknown field '${param}': the simulator does not know it.` }
  }
  const param = path.map(String).join('.')
  return { refused: true, param, message: `Invalid '${param}': it ${issue?.message ?? 'cannot be read'}.` }
}

function whole(min: number, max: number, unit: string) {
  const error = `must be a whole number from ${min} to ${max} (${unit})`
  return z.int(error).check(z.gte(min, error), z.lte(max, error))
}

function areHeaders(headers: Record<string, string>): boolean {
  try {
    void new Headers(headers)
    return true
  } catch {
    return false
  }
}
