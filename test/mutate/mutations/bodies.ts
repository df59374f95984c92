/** The guards of bodies: memory and parameters. */
import { api, hostile, unit, type Mutation } from '../mutation.ts'

export const MEMORY: readonly Mutation[] = [
  {
    guard: 'memory: a key is authenticated before its body is read',
    file: 'src/app.ts',
    text: '  authenticate(),\n  refuseOverLimits(),\n  readJson(),\n  validateJson(chatCompletions.schema),',
    replacement:
      '  readJson(),\n  authenticate(),\n  refuseOverLimits(),\n  validateJson(chatCompletions.schema),',
    tests: [hostile('memory')],
    name: 'forty strangers',
  },
  {
    guard: 'memory: a key above its limits is refused before its body is read',
    file: 'src/stages/admit.ts',
    text: 'return refused === null ? next() : failRefused(c, refused.refusal, refused.status)',
    replacement: 'return next()',
    tests: [hostile('memory')],
    name: 'above its limit',
  },
  {
    guard: 'memory: a stranger’s body is dropped up to a bound',
    file: 'src/stages/body.ts',
    text: ' || declaredBytes(c) > DRAIN_BYTES_MAX) return',
    replacement: ') return',
    tests: [api('bodies')],
  },
  {
    guard: 'memory: a body has a deadline',
    file: 'src/streams/read-in-time.ts',
    text: 'const deadlineMs = Date.now() + timeoutMs',
    replacement: 'const deadlineMs = Date.now() + 1_000 * timeoutMs',
    tests: [api('bodies')],
  },
  {
    guard: 'memory: a body has a least rate',
    file: 'src/streams/read-in-time.ts',
    text: '|| bytes < (BODY_BYTES_PER_SECOND_MIN * RATE_WINDOW_MS) / 1000',
    replacement: '',
    tests: [api('bodies')],
  },
  {
    guard: 'memory: a list of a body has a bound of elements',
    file: 'src/wire/json-bounds.ts',
    text: '= { elementsMax: JSON_ELEMENTS_MAX,',
    replacement: '= { elementsMax: Infinity,',
    tests: [api('bodies')],
  },
  {
    guard: 'memory: a body has a bound of values',
    file: 'src/wire/json-bounds.ts',
    text: 'valuesMax: JSON_VALUES_MAX }',
    replacement: 'valuesMax: Infinity }',
    tests: [api('bodies')],
  },
  {
    guard: 'memory: a body has a bound of levels before it is parsed',
    file: 'src/wire/json-bounds.ts',
    text: 'if (level === JSON_LEVELS_MAX) return TOO_DEEP',
    replacement: '',
    tests: [unit('wire/json-bounds')],
  },
  {
    guard: 'memory: a body’s bounds are checked before it is parsed',
    file: 'src/stages/validate.ts',
    text: 'if (excess !== null) throw new GatewayError(failureOf(excess))',
    replacement: '',
    tests: [hostile('memory')],
    name: 'within its limits',
  },
  {
    guard: 'memory: a body’s bytes are freed once they are decoded',
    file: 'src/stages/validate.ts',
    text: 'body.buffer.transfer(0)',
    replacement: '',
    tests: [hostile('memory')],
    name: 'as values alone',
  },
  {
    guard: 'memory: the bodies of an isolate share a budget',
    file: 'src/stages/body.ts',
    text: "if (!hold(length)) throw new GatewayError({ kind: 'gateway_busy' })",
    replacement: 'hold(length)',
    tests: [api('bodies')],
  },
  {
    guard: 'memory: a body is in the budget until its stream has ended',
    file: 'src/stages/body.ts',
    text: 'else void ended.then(release, release)',
    replacement: 'else release()',
    tests: [api('bodies')],
  },
  {
    guard: 'memory: a client that resets gives its bytes back',
    file: 'src/stages/body.ts',
    text: 'c.executionCtx.waitUntil(handled.catch(() => undefined))',
    replacement: '',
    tests: [hostile('uploads')],
    name: 'are free once clients have left',
  },
]

export const PARAMETERS: readonly Mutation[] = [
  {
    guard: 'parameters: a required one that is absent is refused',
    file: 'src/apis/body-schema.ts',
    text: 'if (!required.every((name) => Object.hasOwn(body, name))) return false',
    replacement: '',
    tests: [unit('apis/body-schema'), unit('apis/chat-completions-schema')],
  },
  {
    guard: 'parameters: those that do not fit together are refused',
    file: 'src/apis/body-schema.ts',
    text: 'return areValid && issueOf(body) === null',
    replacement: 'return areValid',
    tests: [unit('apis/chat-completions-schema')],
  },
  {
    guard: 'parameters: those that do not fit together are explained',
    file: 'src/apis/body-schema.ts',
    text: 'if (issue !== null) issues.push(issue)',
    replacement: '',
    tests: [unit('apis/chat-completions-schema')],
  },
  {
    guard: 'parameters: an array has none',
    file: 'src/apis/body-schema.ts',
    text: ' || Array.isArray(body)) return false',
    replacement: ') return false',
    tests: [unit('apis/body-schema')],
    name: 'is no array',
  },
]
