/** The model table: each public name, and the model that it stands for. */
import * as z from 'zod/mini'
import { GatewayError } from '../failure.ts'
import { integer } from '../wire/integer.ts'
import { catalogModel } from './catalog.ts'
import { FORMATS, type Model, type ModelTable } from './model.ts'
import { pricesOf } from './prices.ts'

const O3_MINI = 'o3-mini'
/** Other names of o3-mini. They follow it, unless they have rows of their own. */
const O3_MINI_ALIASES = ['o3-mini-2025-01-31', 'openai/o3-mini']

/** Models that a row may name to be tried after its own. */
export const FALLBACK_MAX = 2

/** Characters (UTF-16 units) of a name. */
export const NAME_CHARACTERS_MAX = 100

/** The time of o3-mini, for every name: the catalog does not have the vendor's time of other models. */
const CREATED_SECONDS = 1_737_146_383

/**
 * The var `MODELS`: a public name and its slug, or a row with fields that stand above the catalog's. It is lazy, since few set
 * the var.
 */
export const modelOverrides = z.lazy(() => {
  const usd = z.number().check(z.minimum(0), z.maximum(10_000))
  const cacheUsd = { cachedInput: z.optional(usd), cacheWrite: z.optional(usd) }
  const slug = z.string().check(z.minLength(1))
  const row = z.strictObject({
    slug,
    contextTokens: z.optional(integer(1)),
    outputTokensMax: z.optional(integer(1)),
    formats: z.optional(z.array(z.enum(FORMATS)).check(z.minLength(1))),
    usdPerMillionTokens: z.optional(
      z.strictObject({
        input: z.optional(usd),
        ...cacheUsd,
        output: z.optional(usd),
        longContext: z.optional(
          z.strictObject({ aboveTokens: integer(1), input: usd, ...cacheUsd, output: usd }),
        ),
      }),
    ),
    refusedParameters: z.optional(z.array(z.string())),
    shutdownDate: z.nullish(z.string().check(z.refine(isDate))),
    fallback: z.optional(z.array(slug).check(z.maxLength(FALLBACK_MAX))),
  })
  return z.catchall(z.object({}), z.union([slug, row])).check(z.refine(hasFitNames))
})

type Overrides = z.output<typeof modelOverrides>

/**
 * The built-in names with the operator's over them.
 *
 * @throws GatewayError `misconfigured` for a row that lacks fields, which its reason names.
 */
export function modelTable(overrides: Overrides): ModelTable {
  const table = new Map<string, Model>()
  const o3Mini = withFallback(O3_MINI, overrides[O3_MINI] ?? 'openai/o3-mini', overrides)
  for (const id of [O3_MINI, ...O3_MINI_ALIASES]) table.set(id, { ...o3Mini, id })
  for (const [id, row] of Object.entries(overrides)) {
    if (id !== O3_MINI) table.set(id, withFallback(id, row, overrides))
  }
  return table
}

/** A fallback is the name of a row, or else a slug of the catalog. */
function withFallback(id: string, value: Overrides[string], overrides: Overrides): Model {
  const names = typeof value === 'string' ? [] : (value.fallback ?? [])
  return { ...modelOf(id, value), fallback: names.map((name) => modelOf(name, overrides[name] ?? name)) }
}

function modelOf(id: string, value: Overrides[string]): Model {
  const row = typeof value === 'string' ? { slug: value } : value
  const { slug } = row
  const known = catalogModel(slug)
  const { contextTokens = known?.contextTokens, outputTokensMax = known?.outputTokensMax } = row
  const usd = { ...known?.usdPerMillionTokens, ...row.usdPerMillionTokens }
  const { input, output } = usd
  // An assumed limit or price would make a budget wrong.
  if (
    contextTokens === undefined ||
    outputTokensMax === undefined ||
    input === undefined ||
    output === undefined
  ) {
    throw incomplete(id, slug, {
      contextTokens,
      outputTokensMax,
      'usdPerMillionTokens.input': input,
      'usdPerMillionTokens.output': output,
    })
  }
  return {
    id,
    configuredAs: id,
    slug,
    createdSeconds: CREATED_SECONDS,
    ownedBy: slug.split('/', 1)[0] ?? '',
    contextTokens,
    outputTokensMax,
    // Of a model that is not known the upstream itself refuses what it does not take.
    formats: row.formats ?? known?.formats ?? FORMATS,
    efforts: known?.efforts ?? null,
    toolsInChat: known?.toolsInChat ?? 'always',
    closedStreamOptions: known?.closedStreamOptions ?? false,
    refusedParameters: row.refusedParameters ?? known?.refusedParameters ?? [],
    shutdownDate: row.shutdownDate === undefined ? (known?.shutdownDate ?? null) : row.shutdownDate,
    prices: pricesOf({ ...usd, input, output }),
    fallback: [],
  }
}

function incomplete(id: string, slug: string, fields: Record<string, number | undefined>): GatewayError {
  const missing = Object.keys(fields).filter((name) => fields[name] === undefined)
  const reason = `misconfigured: MODELS: ${id}: the catalog does not have all of ${slug}, so its row needs: ${missing.join(', ')}`
  return new GatewayError({ kind: 'misconfigured', variable: 'MODELS' }, reason)
}

function hasFitNames(table: object): boolean {
  return Object.keys(table).every((name) => name !== '' && name.length <= NAME_CHARACTERS_MAX)
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text))
}
