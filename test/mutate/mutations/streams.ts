/** The guards of streams: silence and meters. */
import { unit, type Mutation } from '../mutation.ts'

export const SILENCE: readonly Mutation[] = [
  {
    guard: 'silence: comments go on until the first output',
    file: 'src/streams/relay.ts',
    text: 'while (!scanner.hasOutput) {',
    replacement: 'while (!hasChunk) {',
    tests: [unit('streams/relay')],
  },
  {
    guard: 'silence: a comment stands only between events',
    file: 'src/streams/relay.ts',
    text: 'if (scanner.isBetweenEvents) await write(options, KEEP_ALIVE)',
    replacement: 'await write(options, KEEP_ALIVE)',
    tests: [unit('streams/relay')],
  },
  {
    guard: 'silence: the time-out of the first byte means the first output',
    file: 'src/streams/relay.ts',
    text: 'if (scanner.hasOutput) {\n      cancellation.clearTimeout()',
    replacement: 'cancellation.clearTimeout()\n    if (scanner.hasOutput) {',
    tests: [unit('streams/relay')],
  },
  {
    guard: 'silence: an empty reasoning item is no output',
    file: 'src/apis/responses.ts',
    text: " && field(field(event, 'item'), 'type') !== 'reasoning'",
    replacement: '',
    tests: [unit('apis/output')],
  },
  {
    guard: 'silence: a role alone is no output',
    file: 'src/apis/chat-completions.ts',
    text: '{ ...Object(delta), role: null }',
    replacement: '{ ...Object(delta) }',
    tests: [unit('apis/output')],
  },
]

export const METERS: readonly Mutation[] = [
  {
    guard: 'meters: a chat meter resumes behind a large event',
    file: 'src/streams/chat-meter.ts',
    text: 'return this.#passLongEvent(this.#longTail, chunk)',
    replacement: 'return [chunk]',
    tests: [unit('streams/chat-meter')],
  },
  {
    guard: 'meters: a chat meter finds the usage of a large event',
    file: 'src/streams/chat-meter.ts',
    text: 'this.usage = usageInTail(this.#lastText) ?? this.usage',
    replacement: '',
    tests: [unit('streams/chat-meter')],
  },
  {
    guard: 'meters: a usage may have white space',
    file: 'src/streams/usage-in-tail.ts',
    text: '/"usage"\\s*:\\s*\\{/',
    replacement: '/"usage":\\{/',
    tests: [unit('streams/chat-meter')],
  },
  {
    guard: 'meters: a usage beside choices stays in the stream',
    file: 'src/streams/chat-meter.ts',
    text: 'return Array.isArray(choices) && choices.length === 0',
    replacement: 'return Array.isArray(choices)',
    tests: [unit('streams/chat-meter')],
  },
  {
    guard: 'meters: a response meter finds the usage of a large event',
    file: 'src/streams/response-meter.ts',
    text: 'usageInTail(this.#lastLine())',
    replacement: 'null',
    tests: [unit('streams/response-meter')],
  },
]
