/** Makes the upstream's inputs of the caller's body, and decides whether a stream's usage is read in passing. */
import type { Context, MiddlewareHandler } from 'hono'
import type { Api, Inputs, ModelRequest } from '../apis/api.ts'
import { withoutLabels, withoutStorage } from '../apis/without-storage.ts'
import type { Config } from '../config.ts'
import type { Gateway, ModelInput } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { needsUsage } from '../accounts/admit-request.ts'
import { readTags } from '../accounts/tags.ts'
import type { Limits } from '../limits/limits.ts'
import { type Target, targetOf } from '../upstream/target.ts'
import { field } from '../wire/field.ts'
import { forgetBody } from './body.ts'

/**
 * A request that asks for more completion tokens than its key may have gets the key's cap, and a header that says so.
 *
 * The operator chooses what happens to parameters that the model refuses (`UNSUPPORTED_PARAMETERS`): `forward` lets the model
 * refuse them itself, `reject` refuses them in its place, `drop` removes them and names them in a header.
 *
 * Nothing is stored with the vendor, unless the operator allows it (`VENDOR_STORAGE`). A `store: true` is dropped likewise.
 *
 * Tags are for the gateway. So the model does not get a `metadata` with tags where the API would refuse it.
 *
 * @throws GatewayError `invalid_parameter` with OpenAI's code `unsupported_parameter`.
 */
export function prepareInputs<Request extends ModelRequest>(
  api: Api<Request>,
): MiddlewareHandler<Gateway, string, ModelInput<Request>> {
  return function prepareInputs(c, next) {
    const request = c.req.valid('json')
    const config = c.get('config')
    let dropped: readonly string[] = []
    let inputs = api.toInputs(request)
    if (config.vendorStorage === 'never') {
      const kept = withoutStorage(inputs, api.onlyWithStore)
      dropped = kept.dropped
      inputs = kept.inputs
    }
    const tags = readTags(field(request, 'metadata'), config.usageTags)
    if (tags !== undefined) {
      const kept = withoutLabels(inputs, api.onlyWithStore)
      dropped = [...dropped, ...kept.dropped]
      inputs = kept.inputs
    }
    c.set('tags', tags)
    const asked = {
      bodyBytes: c.get('bodyBytes'),
      hasContentElsewhere: api.hasContentElsewhere(request),
      tokenCap: api.tokenCapOf(request),
      choices: api.choicesOf(request),
      ...(config.tierFactors.size === 0 ? {} : { priceFactor: priceFactorOf(request, config) }),
    }
    const tokenCapMax = tokenCapMaxOf(c.get('limits'), asked.choices)
    if (tokenCapMax < (asked.tokenCap ?? Infinity)) {
      c.get('responseHeaders')['x-gateway-completion-tokens-max'] = `${tokenCapMax}`
      asked.tokenCap = tokenCapMax
      inputs = withTokenCap(inputs, tokenCapMax, api.tokenCapNames)
    }
    c.set('asked', asked)
    const isMetered = request.stream === true && isStreamMetered(config, c.get('limits'), c.get('key').group)
    c.set('meter', isMetered ? api.createMeter(request) : null)
    const callerRequest = {
      format: api.format,
      inputs: isMetered ? api.withUsage(inputs) : inputs,
      policy: config.unsupportedParameters,
      tokenCapName: api.tokenCapNames[0],
      dropped,
    }
    const target = targetOf(c.get('models')[0], callerRequest)
    if ('kind' in target) throw new GatewayError(target)
    showDropped(c, target)
    c.set('callerRequest', callerRequest)
    c.set('target', target)
    forgetBody(c)
    return next()
  }
}

/** A tier without a price of its own has the usual one. */
function priceFactorOf(request: ModelRequest, { tierFactors }: Config): (served?: string) => number {
  const asked = field(request, 'service_tier')
  return (served = typeof asked === 'string' ? asked : '') => tierFactors.get(served) ?? 1
}

/** Names the caller's parameters that the model has not got. */
export function showDropped(c: Context<Gateway>, { dropped }: Target): void {
  const headers = c.get('responseHeaders')
  delete headers['x-gateway-dropped-parameters']
  if (dropped.length > 0) headers['x-gateway-dropped-parameters'] = dropped.join(', ')
}

/** The most completion tokens of one choice; `Infinity` for a key without such a limit. */
function tokenCapMaxOf({ completionTokensPerRequest = Infinity }: Limits, choices: number): number {
  return Math.max(1, Math.floor(completionTokensPerRequest / choices))
}

/** Lowers the caller's own parameter, whichever it is. The model then answers to it as it answers to the caller's. */
function withTokenCap(inputs: Inputs, tokenCap: number, names: Api<ModelRequest>['tokenCapNames']): Inputs {
  const name = names.find((candidate) => inputs[candidate] != null) ?? names[0]
  return { ...inputs, [name]: tokenCap }
}

/** A key with a budget, a token limit or a group is metered even with `never`, if AI Gateway keeps no log to ask for its usage. */
function isStreamMetered(
  { meterStreams, gateway }: Config,
  limits: Limits,
  groupId: string | undefined,
): boolean {
  if (meterStreams === 'always') return true
  return needsUsage(limits, groupId) && (meterStreams === 'when-limited' || gateway.collectLog === false)
}
