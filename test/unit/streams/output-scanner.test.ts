import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chatCompletions } from '../../../src/apis/chat-completions.ts'
import { responses } from '../../../src/apis/responses.ts'
import { HEAD_BYTES_MAX, OutputScanner } from '../../../src/streams/output-scanner.ts'
import chatStream from '../../support/fixtures/chat-completion-stream.sse?raw'
import responseStream from '../../support/fixtures/response-stream.sse?raw'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const COMMENT = ': keep-alive\n\n'

/** Comments and lines that belong to no event, in front of a recorded stream. */
const preceded = `\n: hello\n\nretry: 10\n\n${chatStream}`

const streams = [
  { name: 'a chat stream', text: chatStream, api: chatCompletions, output: ' where' },
  { name: 'a chat stream behind lines of no event', text: preceded, api: chatCompletions, output: ' where' },
  { name: 'a response stream', text: responseStream, api: responses, output: '"type":"message"' },
].flatMap((stream) => [
  { ...stream, lineEnd: 'LF' },
  { ...stream, lineEnd: 'CRLF', text: stream.text.replaceAll('\n', '\r\n') },
])

/** Whether the text ends between two events. The scanner works on bytes and must not be used here. */
function endsBetweenEvents(text: string): boolean {
  return text === '' || /(^|\n)\r?\n$/.test(text)
}

/** The number of bytes up to the end of the first event with output. */
function endOfOutput({ text, output }: { text: string; output: string }): number {
  const blank = text.includes('\r') ? '\r\n\r\n' : '\n\n'
  return encoder.encode(text.slice(0, text.indexOf(blank, text.indexOf(output)) + blank.length)).length
}

describe.each(streams)('$name with $lineEnd', (stream) => {
  const { text, api } = stream
  const bytes = encoder.encode(text)
  const outputEnd = endOfOutput(stream)

  it('has output from the end of its first event with output, byte by byte', () => {
    const scanner = new OutputScanner(api.isOutput)
    for (let length = 1; length <= bytes.length; length++) {
      scanner.scan(bytes.slice(length - 1, length))
      expect([length, scanner.hasOutput]).toEqual([length, length >= outputEnd])
    }
  })

  it('lets comments stand only between events, however it is cut and whenever they come', () => {
    const cuts = fc.array(
      fc.record({ at: fc.integer({ min: 0, max: bytes.length }), comments: fc.integer({ min: 1, max: 2 }) }),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(cuts, (places) => {
        expectCommentsBetweenEvents(bytes, places)
      }),
    )
    expectCommentsBetweenEvents(
      bytes,
      Array.from(bytes, (_, at) => ({ at, comments: 1 })),
    )
  })

  function expectCommentsBetweenEvents(
    whole: Uint8Array,
    places: readonly { at: number; comments: number }[],
  ): void {
    const scanner = new OutputScanner(api.isOutput)
    let relayed = ''
    let upstream = ''
    let from = 0
    const pass = (to: number): void => {
      const chunk = whole.slice(from, to)
      scanner.scan(chunk)
      // Latin-1 keeps half a character.
      const piece = String.fromCharCode(...chunk)
      relayed += piece
      upstream += piece
      from = to
    }
    for (const { at, comments } of places.toSorted((left, right) => left.at - right.at)) {
      pass(at)
      if (scanner.hasOutput) continue
      expect(scanner.isBetweenEvents).toBe(endsBetweenEvents(upstream))
      if (scanner.isBetweenEvents) relayed += COMMENT.repeat(comments)
    }
    pass(whole.length)
    expect(eventsOf(relayed)).toEqual(eventsOf(upstream))
    expect(relayed.replaceAll(COMMENT, '')).toBe(upstream)
    expect(decoder.decode(Uint8Array.from(upstream, (byte) => byte.charCodeAt(0)))).toBe(text)
  }
})

/** Events as the standard reads them: lines up to an empty line, without the comments. */
function eventsOf(text: string): string[][] {
  const events: string[][] = [[]]
  for (const line of text.split(/\r?\n/)) {
    if (line === '') events.push([])
    else if (!line.startsWith(':')) events.at(-1)?.push(line)
  }
  return events.filter((lines) => lines.length > 0)
}

describe('an event longer than the scanner keeps', () => {
  const long = 'x'.repeat(HEAD_BYTES_MAX)
  const created = `event: response.created\ndata: {"type":"response.created","response":{"instructions":"${long}"}}\n\n`
  const delta = `data: {"type":"response.output_text.delta","delta":"${long}"}\n\n`
  const content = `data: {"choices":[{"delta":{"content":"${long}"}}]}\n\n`

  it.each([1000, 64 * 1024, 1024 * 1024])('is judged by its head in chunks of %i bytes', (chunkBytes) => {
    const scanner = new OutputScanner(responses.isOutput)
    expect(scanAll(scanner, created, chunkBytes)).toEqual([false, true])
    expect(scanAll(scanner, created.slice(0, -1), chunkBytes)).toEqual([false, false])
    expect(scanAll(scanner, `\n${delta.slice(0, -30)}`, chunkBytes)).toEqual([true, false])
    expect(scanAll(new OutputScanner(chatCompletions.isOutput), content.slice(0, -9), chunkBytes)).toEqual([
      true,
      false,
    ])
  })

  it('is given to the API once, and never longer than the bound', () => {
    const judged: number[] = []
    const scanner = new OutputScanner((data) => {
      judged.push(data.length)
      return false
    })
    for (let times = 0; times < 3; times++) scanAll(scanner, created, 1024 * 1024)
    expect(judged).toHaveLength(3)
    expect(Math.max(...judged)).toBeLessThanOrEqual(HEAD_BYTES_MAX)
  })

  it('does not spoil the next event where its head ends within a character', () => {
    const judged: string[] = []
    const scanner = new OutputScanner((data) => judged.push(data) > 9)
    scanAll(scanner, `data: ${'🪆'.repeat(HEAD_BYTES_MAX)}\n\ndata: {}\n\n`, 1001)
    expect(judged.at(-1)).toBe('{}')
  })
})

function scanAll(scanner: OutputScanner, text: string, chunkBytes: number): [boolean, boolean] {
  const bytes = encoder.encode(text)
  for (let at = 0; at < bytes.length; at += chunkBytes) scanner.scan(bytes.slice(at, at + chunkBytes))
  return [scanner.hasOutput, scanner.isBetweenEvents]
}

it('reads the data of an event among its other lines', () => {
  const judged: string[] = []
  const scanner = new OutputScanner((data) => judged.push(data) > 9)
  scanAll(scanner, 'id: 7\ndata:{"a":1}\nevent: a\n\n: data: {}\n\ndata: {"b":2}\r\n\r\n', 1)
  expect(judged).toEqual(['{"a":1}', '{"b":2}'])
})

it('never takes bytes without data for output', () => {
  const scanner = new OutputScanner(() => true)
  expect(scanAll(scanner, `<html>\n\n: comment\n\n${'x'.repeat(3 * HEAD_BYTES_MAX)}`, 999)).toEqual([
    false,
    false,
  ])
})
