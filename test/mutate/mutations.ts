/** The guards against hostile holders and strangers, and a small change of the source that takes each one away. */

export interface Mutation {
  /** The promise that the mutation breaks. */
  guard: string
  file: string
  /** It must occur exactly once in the file. */
  text: string
  replacement: string
  /** The test files of which at least one test must fail. */
  tests: readonly string[]
  /** A part of the name of the test that must fail, where the others of its file take long. */
  name?: string
}

const api = (name: string): string => `test/api/${name}.test.ts`
const contract = (name: string): string => `test/contract/${name}.test.ts`
const hostile = (name: string): string => `test/hostile/node/${name}.test.ts`
const unit = (name: string): string => `test/unit/${name}.test.ts`

const MEMORY: readonly Mutation[] = [
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

const SILENCE: readonly Mutation[] = [
  {
    guard: 'silence: comments go on until the first output',
    file: 'src/streams/relay.ts',
    text: 'if (scanner.hasOutput) return\n',
    replacement: 'return\n',
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
    text: 'if (scanner.hasOutput) cancellation.clearTimeout()',
    replacement: 'cancellation.clearTimeout()',
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

const METERS: readonly Mutation[] = [
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

const ACCOUNT_OF_THE_VENDOR: readonly Mutation[] = [
  {
    guard: 'references: a request is stored nowhere, also where it does not say',
    file: 'src/apis/without-storage.ts',
    text: '{ inputs: { ...inputs, store: false }, dropped: [] }',
    replacement: '{ inputs, dropped: [] }',
    tests: [api('references')],
  },
  {
    guard: 'references: a dropped store is told',
    file: 'src/apis/without-storage.ts',
    text: "dropped: ['store', ...labels] }",
    replacement: 'dropped: [] }',
    tests: [api('references')],
  },
  {
    guard: 'references: an earlier response, a conversation and a prompt are refused',
    file: 'src/apis/stored-references.ts',
    text: 'if (field(request, name) != null) return { path: [name], instead }',
    replacement: '',
    tests: [api('references')],
  },
  {
    guard: 'references: an item reference is refused',
    file: 'src/apis/stored-references.ts',
    text: "if (type === 'item_reference') return { path: [], instead: NO_ITEM }",
    replacement: '',
    tests: [api('references')],
  },
  {
    guard: 'references: an id without a type is refused',
    file: 'src/apis/stored-references.ts',
    text: "if (type == null && field(turn, 'role') == null) return { path: [], instead: NO_ITEM }",
    replacement: '',
    tests: [api('references')],
  },
  {
    guard: 'references: ids of files are refused at any depth',
    file: 'src/apis/stored-references.ts',
    text: 'if (path !== undefined) return [name, ...path]',
    replacement: '',
    tests: [api('references')],
  },
  {
    guard: 'extras: another service tier is refused',
    file: 'src/apis/extras.ts',
    text: '!USUAL_TIERS.has(tier) && !allowed.has(tier)',
    replacement: 'false',
    tests: [api('extras')],
  },
  {
    guard: 'extras: a hosted tool is refused',
    file: 'src/apis/extras.ts',
    text: '!FREE_TOOLS.has(type) && !allowed.has(type)',
    replacement: 'false',
    tests: [api('extras')],
  },
  {
    guard: 'extras: the web search of chat completions is refused',
    file: 'src/apis/extras.ts',
    text: "field(request, 'web_search_options') != null && !allowed.has(WEB_SEARCH)",
    replacement: 'false',
    tests: [api('extras')],
  },
  {
    guard: 'extras: a tool within an item is refused',
    file: 'src/apis/extras.ts',
    text: " ?? inItems(field(request, 'input'), allowed)",
    replacement: '',
    tests: [api('extras')],
  },
  {
    guard: 'extras: each choice counts in the worst case',
    file: 'src/accounts/worst-case.ts',
    text: 'Math.min(tokenCap ?? Infinity, outputTokensMax) * choices',
    replacement: 'Math.min(tokenCap ?? Infinity, outputTokensMax)',
    tests: [unit('accounts/worst-case')],
  },
  {
    guard: 'extras: the choices of a request are read',
    file: 'src/apis/chat-completions.ts',
    text: 'request.n ?? 1',
    replacement: '1',
    tests: [api('budget')],
  },
]

const THROTTLES: readonly Mutation[] = [
  {
    guard: 'throttle: unknown keys cause a bounded number of KV reads',
    file: 'src/keys/key-store.ts',
    text: 'await (waitMs > 0 ? askAccount(id, true) : read(id))',
    replacement: 'await read(id)',
    tests: [api('access')],
    name: 'bounded number of KV reads',
  },
  {
    guard: 'throttle: an address with too many unknown keys gets 429',
    file: 'src/keys/key-store.ts',
    text: "if (waitMs > 0 && reading.kind === 'absent') throw tooManyUnknownKeys(waitMs)",
    replacement: '',
    tests: [api('access')],
    name: 'bounded number of KV reads',
  },
  {
    guard: 'throttle: a look-up that finds its key does not count',
    file: 'src/keys/key-store.ts',
    text: "if (reading.kind === 'found' || reading.kind === 'unreadable') lookUp?.takeBack()",
    replacement: '',
    tests: [api('access')],
    name: 'is not made by valid keys',
  },
  {
    guard: 'throttle: a valid key is found although its address guesses',
    file: 'src/keys/key-store.ts',
    text: "if (waitMs > 0 && reading.kind === 'absent') throw",
    replacement: 'if (waitMs > 0) throw',
    tests: [api('access')],
    name: 'keeps no valid key out',
  },
  {
    guard: 'throttle: an IPv6 network is one address',
    file: 'src/keys/address-throttle.ts',
    text: "if (!address.includes(':')) return address",
    replacement: 'return address',
    tests: [api('access')],
    name: 'as one address',
  },
  {
    guard: 'throttle: an address with too many wrong admin tokens gets 429',
    file: 'src/admin/authenticate.ts',
    text: 'if (retryAfterMs === 0) return new GatewayError',
    replacement: 'if (retryAfterMs >= 0) return new GatewayError',
    tests: [api('access')],
    name: 'gets 429 after 10 a minute',
  },
  {
    guard: 'throttle: the right admin token is never locked out',
    file: 'src/admin/authenticate.ts',
    text: 'if (!equalHashes(await hashSecret(token), await hashSecret(expected))) throw wrongToken(c)',
    replacement: `const failure = wrongToken(c)
    if (failure.failure.kind === 'rate_limited') throw failure
    if (!equalHashes(await hashSecret(token), await hashSecret(expected))) throw failure`,
    tests: [api('access')],
    name: 'gets 429 after 10 a minute',
  },
]

const LOTS: readonly Mutation[] = [
  {
    guard: 'lots: a drawn request stands for the ones that were not drawn',
    file: 'src/limits/sampler.ts',
    text: 'this.#whole(cost.requests / probability)',
    replacement: 'this.#whole(cost.requests)',
    tests: [unit('limits/simulation')],
  },
  {
    guard: 'lots: a quiet isolate draws its requests',
    file: 'src/limits/sync.ts',
    text: 'this.#sampler.draw(cost, limits)',
    replacement: '',
    tests: [unit('limits/limiter-kv')],
  },
  {
    guard: 'lots: a sample counts once',
    file: 'src/limits/sampled-demand.ts',
    text: 'return seen !== undefined && seen.seq >= seq',
    replacement: 'return false',
    tests: [unit('limits/sampled-demand')],
  },
]

const OPERATOR: readonly Mutation[] = [
  {
    guard: 'configuration: a wrong name is a warning with the nearest right one',
    file: 'src/config-warnings.ts',
    text: '...misnamedVars(Object.keys(env)), ',
    replacement: '',
    tests: [api('configuration')],
  },
  {
    guard: 'configuration: a var without effect is a warning',
    file: 'src/config-warnings.ts',
    text: ', ...varsWithoutEffect(env, config)',
    replacement: '',
    tests: [api('configuration')],
  },
  {
    guard: 'configuration: a gateway without an admin token says what to run',
    file: 'src/admin/authenticate.ts',
    text: "warnOnce(isolateOf(c.env).warned, 'admin_off', 'admin_off', () => ADMIN_OFF_WARNING)",
    replacement: '',
    tests: [api('configuration')],
  },
  {
    guard: 'configuration: aliases follow o3-mini',
    file: 'src/models/table.ts',
    text: 'for (const id of [O3_MINI, ...O3_MINI_ALIASES]) table.set(id, { ...o3Mini, id })',
    replacement: `table.set(O3_MINI, o3Mini)
  for (const id of O3_MINI_ALIASES) table.set(id, modelOf(id, 'openai/o3-mini'))`,
    tests: [unit('models/table'), api('models')],
  },
  {
    guard: 'privacy: each call asks for a log without texts',
    file: 'src/upstream/call.ts',
    text: '...(call.logTexts ? {} : { extraHeaders: WITHOUT_TEXTS }),',
    replacement: '',
    tests: [contract('gateway-options')],
  },
  {
    guard: 'privacy: a log without texts is the default',
    file: 'src/config.ts',
    text: "logTexts: data.AI_GATEWAY_LOG_TEXTS === 'true'",
    replacement: "logTexts: data.AI_GATEWAY_LOG_TEXTS !== 'false'",
    tests: [contract('gateway-options')],
  },
]

const MONEY: readonly Mutation[] = [
  {
    guard: 'money: requests under way reserve their worst cases',
    file: 'src/accounts/admission.ts',
    text: 'if (underWayMicroUsd === 0 || underWayMicroUsd + request.worstMicroUsd <= leftMicroUsd) return null',
    replacement: 'if (underWayMicroUsd >= 0) return null',
    tests: [api('budget')],
  },
  {
    guard: 'money: a lease that ends is booked, and frees its place',
    file: 'src/accounts/book.ts',
    text: 'if (request.leaseUntilMs > nowMs) continue',
    replacement: 'continue',
    tests: [contract('account-book')],
  },
  {
    guard: 'money: a settlement that comes after its lease is counted once',
    file: 'src/accounts/book.ts',
    text: "if (known?.state === 'expired') this.#replace(known, booking)",
    replacement: '',
    tests: [contract('account-book')],
  },
  {
    guard: 'money: a batch counts once',
    file: 'src/accounts/book.ts',
    text: "if (writer !== undefined && number <= parseWhole(writer['number'])) return { duplicate: true }",
    replacement: '',
    tests: [contract('account-book')],
  },
  {
    guard: 'money: a pending request reserves its worst case',
    file: 'src/accounts/book-state.ts',
    text: 'if (tries >= RESERVED_TRIES ||',
    replacement: 'if (tries >= 0 ||',
    tests: [contract('account-book')],
  },
  {
    guard: 'money: a pending request reserves only until the log was asked twice',
    file: 'src/accounts/book-state.ts',
    text: 'if (tries >= RESERVED_TRIES ||',
    replacement: 'if (',
    tests: [contract('account-book')],
  },
  {
    guard: 'money: a cache hit costs nothing',
    file: 'src/accounts/request-end.ts',
    text: 'isCacheHit ? null : model.prices',
    replacement: 'model.prices',
    tests: [api('every-end')],
  },
  {
    guard: 'money: a cache hit without a usage costs nothing',
    file: 'src/accounts/request-end.ts',
    text: 'isCacheHit ? 0 : expected.costMicroUsd',
    replacement: 'expected.costMicroUsd',
    tests: [api('every-end')],
  },
  {
    guard: 'money: a batch without an answer is sent again unchanged',
    file: 'src/accounts/settlement-queue.ts',
    text: 'if (this.#batch === null) {',
    replacement: '{',
    tests: [unit('accounts/client-settlements')],
  },
]

const KEYS: readonly Mutation[] = [
  {
    guard: 'keys: a deleted key leaves a tombstone',
    file: 'src/keys/key-copy.ts',
    text: 'return kv.put(nameOf(id), JSON.stringify({ id, version, deletedAt }), options)',
    replacement: 'return kv.delete(nameOf(id))',
    tests: [api('accounts')],
  },
  {
    guard: 'keys: an isolate never goes back to a smaller version',
    file: 'src/keys/key-cache.ts',
    text: 'if (version >= entry.version) Object.assign',
    replacement: 'Object.assign',
    tests: [unit('keys/key-cache')],
  },
  {
    guard: 'keys: an account refuses a revoked secret at once',
    file: 'src/accounts/key-account.ts',
    text: 'if (deletedAt !== null || refusalOfSecret(key, request.secretSha256, nowMs) !== null)',
    replacement: 'if (deletedAt !== null)',
    tests: [api('exact-limits')],
  },
  {
    guard: 'keys: a deleted key is refused by its account',
    file: 'src/accounts/key-account.ts',
    text: 'if (deletedAt !== null || refusalOfSecret(',
    replacement: 'if (refusalOfSecret(',
    tests: [api('exact-limits')],
  },
  {
    guard: 'keys: a publication that failed is tried again',
    file: 'src/accounts/publication.ts',
    text: 'return triedAtMs + Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** (state.failures - 1))',
    replacement: 'return null',
    tests: [unit('accounts/publication')],
  },
  {
    guard: 'keys: the newest version is put again after one that may still arrive',
    file: 'src/accounts/publication.ts',
    text: 'doubtfulUntilMs: atMs + CONFIRM_MS }',
    replacement: '}',
    tests: [unit('accounts/publication')],
  },
]

export const MUTATIONS: readonly Mutation[] = [
  ...MEMORY,
  ...SILENCE,
  ...METERS,
  ...ACCOUNT_OF_THE_VENDOR,
  ...THROTTLES,
  ...LOTS,
  ...OPERATOR,
  ...MONEY,
  ...KEYS,
]
