/** What a usage would have cost on another model. */
import { catalogModel } from './catalog.ts'
import type { ModelTable } from './model.ts'
import { costOf, type PricedTokens, type Prices, pricesOf, usdOf } from './prices.ts'

/** A model by whose prices a usage is shown. */
export interface OtherModel {
  slug: string
  prices: Prices
}

/**
 * The model of a public name, or of a slug. The table stands above the catalog, since the operator may have set prices. `null`
 * for a name that neither has, and for a model whose price is not known.
 */
export function otherModel(name: string, table: ModelTable): OtherModel | null {
  const listed = table.get(name) ?? [...table.values()].find(({ slug }) => slug === name)
  if (listed !== undefined) return { slug: listed.slug, prices: listed.prices }
  const { input, output, ...rest } = catalogModel(name)?.usdPerMillionTokens ?? {}
  if (input === undefined || output === undefined) return null
  return { slug: name, prices: pricesOf({ ...rest, input, output }) }
}

/**
 * The cost of the tokens of many requests, in whole micro-dollars, rounded up once. Sums do not tell which requests were long,
 * or which tokens were written to the cache: all of them have the usual prices.
 */
export function costOfSums(sums: PricedTokens, { longContext: _longContext, ...usual }: Prices): number {
  return costOf(sums, usual)
}

/** The model and its prices, for the answer. `leftOut` names prices of the model that sums of tokens cannot apply. */
export function shownOther({ slug, prices }: OtherModel) {
  const { input, cachedInput, cacheWrite, output } = usdOf(prices)
  return {
    slug,
    usdPerMillionTokens: { input, cachedInput, output },
    leftOut: [
      ...(cacheWrite === input ? [] : ['cacheWrite']),
      ...(prices.longContext === undefined ? [] : ['longContext']),
    ],
  }
}
