/** A sample of each failure, from which the gateway's own code makes the example, its status and its headers. */
import type { RenderedFailure } from '../error-envelope.ts'
import { renderFailure } from '../render-failure.ts'
import type { Failure, UpstreamFailure } from '../failure.ts'
import { failureOfError, failureOfNothing, failureOfResponse, timeoutOutcome } from '../upstream/failures.ts'

/** The members of the union that have a kind. One member can have several kinds. */
type FailureOf<Kind extends Failure['kind'], Member extends Failure = Failure> = Member extends Failure
  ? Kind & Member['kind'] extends never
    ? never
    : Member & { kind: Kind }
  : never

/** `when` is a sentence on the cause. */
export interface Sample<Kind extends Failure['kind'] = Failure['kind']> {
  when: string
  failure: FailureOf<Kind>
}

/** Kinds with one sample. The upstream has a sample for each row of its table, and each route refuses other parameters. */
type PlainKind = Exclude<Failure['kind'], 'invalid_parameter' | 'upstream'>

/** The type demands a sample of every kind. */
const PLAIN: { readonly [Kind in PlainKind]: Sample<Kind> } = {
  invalid_json: { when: 'The body is no JSON.', failure: { kind: 'invalid_json', empty: false } },
  unsupported_content_type: {
    when: 'The content type is not JSON.',
    failure: { kind: 'unsupported_content_type', contentType: 'text/plain' },
  },
  unsupported_content_encoding: {
    when: 'The body is compressed.',
    failure: { kind: 'unsupported_content_encoding', encoding: 'gzip' },
  },
  body_too_large: {
    when: 'The body is larger than `BODY_BYTES_MAX`.',
    failure: { kind: 'body_too_large', bodyBytesMax: 8_388_608 },
  },
  request_timeout: {
    when: 'The body arrives too slowly.',
    failure: { kind: 'request_timeout', timeoutMs: 60_000, bytesPerSecondMin: 1024 },
  },
  gateway_busy: {
    when: 'The bodies under way leave no memory for this one.',
    failure: { kind: 'gateway_busy' },
  },
  missing_key: { when: 'The request has no key.', failure: { kind: 'missing_key' } },
  invalid_key: {
    when: 'The key is wrong, expired, disabled or deleted.',
    failure: { kind: 'invalid_key', masked: 'sk-gw-Ab****cret' },
  },
  ip_not_authorized: {
    when: 'The key may not be used from the caller’s address.',
    failure: { kind: 'ip_not_authorized', address: '203.0.113.7' },
  },
  group_deleted: {
    when: 'The group of the key was deleted.',
    failure: { kind: 'group_deleted' },
  },
  keys_unavailable: { when: 'The records of keys do not answer.', failure: { kind: 'keys_unavailable' } },
  budget_unavailable: {
    when: 'The account of the key or of its group does not answer.',
    failure: { kind: 'budget_unavailable' },
  },
  usage_unavailable: { when: 'The records of usage do not answer.', failure: { kind: 'usage_unavailable' } },
  key_record_unreadable: {
    when: 'The key’s record is damaged.',
    failure: { kind: 'key_record_unreadable' },
  },
  admin_off: { when: 'The gateway has no admin token.', failure: { kind: 'admin_off' } },
  invalid_admin_token: {
    when: 'The admin token is absent or wrong.',
    failure: { kind: 'invalid_admin_token' },
  },
  key_not_found: { when: 'There is no such key.', failure: { kind: 'key_not_found', keyId: 'Abc123Abc123' } },
  group_not_found: {
    when: 'There is no such group.',
    failure: { kind: 'group_not_found', groupId: 'grp_Abc123Abc123' },
  },
  group_not_empty: {
    when: 'Keys have the group.',
    failure: { kind: 'group_not_empty', groupId: 'grp_Abc123Abc123', keys: 3 },
  },
  request_not_found: {
    when: 'No key has the request among its last 200.',
    failure: { kind: 'request_not_found', requestId: 'req_1' },
  },
  unknown_url: {
    when: 'There is no such path.',
    failure: { kind: 'unknown_url', method: 'GET', path: '/v1/nowhere', underV1: false },
  },
  method_not_allowed: {
    when: 'The path has no such method.',
    failure: { kind: 'method_not_allowed', method: 'PUT', path: '/v1/models', allow: 'GET' },
  },
  model_not_found: {
    when: 'The gateway has no such model.',
    failure: { kind: 'model_not_found', model: 'gpt-99' },
  },
  response_not_found: {
    when: 'Always: the gateway stores no responses.',
    failure: { kind: 'response_not_found', responseId: 'resp_1' },
  },
  rate_limited: {
    when: 'A limit is reached.',
    failure: {
      kind: 'rate_limited',
      measure: 'requests',
      message:
        'Rate limit reached for this key: Limit 60 requests per minute, Used 60. Please try again in 1.5s.',
      retryAfterMs: 1500,
    },
  },
  budget_spent: {
    when: 'The key’s budget is spent.',
    failure: {
      kind: 'budget_spent',
      message:
        'The budget of this key is spent: 20 USD a month. It starts anew at 2027-02-01T00:00:00.000Z. Ask the operator of this gateway.',
    },
  },
  client_closed: {
    when: 'The client has closed the request. No client reads this status, and the log has it.',
    failure: { kind: 'client_closed' },
  },
  misconfigured: {
    when: 'A var of the gateway is wrong.',
    failure: { kind: 'misconfigured', variable: 'MODELS' },
  },
  internal: { when: 'The gateway has an error.', failure: { kind: 'internal' } },
}

/** The vendor's own error, as its envelope arrives. */
const VENDOR_REFUSAL: UpstreamFailure = {
  kind: 'upstream',
  status: 400,
  type: 'invalid_request_error',
  code: 'unsupported_parameter',
  param: 'temperature',
  message: "Unsupported parameter: 'temperature' is not supported with this model.",
}

/** One for each row of `upstream/failures.ts`, made by that table itself. */
async function upstreamSamples() {
  const overloaded = await failureOfResponse(new Response(null, { status: 503 }))
  return {
    model_refused: { when: 'The model refuses the request.', failure: VENDOR_REFUSAL },
    upstream_bad_input: of(
      'Cloudflare refuses the request.',
      failureOfError(new Error('5004: Invalid data')),
    ),
    upstream_no_model: of(
      'The upstream has no such model any more.',
      failureOfError(new Error('7003: No such model')),
    ),
    upstream_too_large: of(
      'The request is too large for the model.',
      failureOfError(new Error('3006: Too large')),
    ),
    upstream_busy: of('The model is at its capacity.', failureOfError(new Error('3040: Out of capacity'))),
    upstream_no_credit: of(
      'The account behind the gateway has no credit.',
      failureOfError(new Error('insufficient credits')),
    ),
    upstream_not_allowed: of(
      'The upstream refuses the gateway itself.',
      failureOfError(new Error('2009: Unauthorized')),
    ),
    upstream_broken: of('The upstream gives no usable answer.', failureOfNothing(undefined)),
    upstream_overloaded: of('The model is overloaded.', overloaded),
    upstream_not_reachable: of(
      'The gateway runs on a machine without the model.',
      failureOfError(new Error('Binding AI needs to be run remotely')),
    ),
    upstream_timeout: of('The model does not answer in time.', timeoutOutcome()),
  } satisfies Record<string, Sample>
}

function of(when: string, { failure }: { failure: UpstreamFailure }): Sample<'upstream'> {
  return { when, failure }
}

export type FailureName = PlainKind | keyof Awaited<ReturnType<typeof upstreamSamples>>

export interface DescribedFailure extends RenderedFailure {
  when: string
}

/** The sample of every failure but those of parameters. */
export async function failureSamples(): Promise<Readonly<Record<FailureName, Sample>>> {
  return { ...PLAIN, ...(await upstreamSamples()) }
}

/** A failure as the caller gets it. */
export function describedFailure({ when, failure }: Sample): DescribedFailure {
  return { when, ...renderFailure(failure) }
}
