/** The guards of accounts: money and keys. */
import { api, contract, unit, type Mutation } from '../mutation.ts'

export const MONEY: readonly Mutation[] = [
  {
    guard: 'money: requests under way reserve their worst cases',
    file: 'src/accounts/admission.ts',
    text: 'if (underWayMicroUsd === 0 || underWayMicroUsd + request.worstMicroUsd <= leftMicroUsd) return null',
    replacement: 'if (underWayMicroUsd >= 0) return null',
    tests: [api('budget')],
  },
  {
    guard: 'money: a lease that ends is booked, and frees its place',
    file: 'src/accounts/book-ends.ts',
    text: 'if (request.leaseUntilMs > nowMs) continue',
    replacement: 'continue',
    tests: [contract('account-book')],
  },
  {
    guard: 'money: a settlement that comes after its lease is counted once',
    file: 'src/accounts/book-ends.ts',
    text: "if (known?.state === 'expired') this.#replace(known, booking, booking === null ? null : end)",
    replacement: '',
    tests: [contract('account-book')],
  },
  {
    guard: 'money: a batch counts once',
    file: 'src/accounts/book.ts',
    text: "if (writer !== undefined && number <= parseWhole(writer['number'])) return",
    replacement: '',
    tests: [contract('account-book')],
  },
  {
    guard: 'money: a request of the account counts once, in whatever batch its end comes',
    file: 'src/accounts/book-ends.ts',
    text: "if (known !== null && known.state !== 'under_way' && known.state !== 'expired') return false",
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
    text: 'isCacheHit ? null : prices',
    replacement: 'prices',
    tests: [api('every-end')],
  },
  {
    guard: 'money: a cache hit without a usage costs nothing',
    file: 'src/accounts/request-end.ts',
    text: 'isCacheHit ? 0 : expected.costMicroUsd',
    replacement: 'expected.costMicroUsd',
    tests: [unit('accounts/request-end')],
  },
  {
    guard: 'money: a batch without an answer is sent again unchanged',
    file: 'src/accounts/settlement-queue.ts',
    text: 'if (this.#batch === null) {',
    replacement: '{',
    tests: [unit('accounts/client-settlements')],
  },
]

export const KEYS: readonly Mutation[] = [
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
