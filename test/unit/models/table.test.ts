/** The table is the catalog's facts with the operator's `MODELS` on top. */
import { describe, expect, it } from 'vitest'
import { GatewayError } from '../../../src/failure.ts'
import { modelOverrides, modelTable } from '../../../src/models/table.ts'

const LUNA = {
  slug: 'openai/gpt-6-luna',
  ownedBy: 'openai',
  contextTokens: 1_050_000,
  outputTokensMax: 128_000,
  formats: ['chat', 'responses'],
  shutdownDate: null,
  prices: {
    inputMicroUsd: 100_000,
    cachedInputMicroUsd: 10_000,
    cacheWriteMicroUsd: 125_000,
    outputMicroUsd: 500_000,
    longContext: { aboveTokens: 272_000, inputMicroUsd: 200_000, outputMicroUsd: 750_000 },
  },
}
const UNKNOWN = { slug: 'vendor/x', contextTokens: 8_000, outputTokensMax: 1_000 }

function tableOf(models: Record<string, unknown>) {
  return modelTable(modelOverrides.parse(models))
}

function reasonFor(models: Record<string, unknown>): string {
  try {
    tableOf(models)
  } catch (error) {
    if (error instanceof GatewayError && error.failure.kind === 'misconfigured') {
      expect(error.failure.variable).toBe('MODELS')
      return error.reason
    }
    throw error
  }
  throw new Error('the table was made')
}

describe('a slug of the catalog', () => {
  it('needs nothing else: prices, limits, formats and the end are the catalog’s', () => {
    expect(tableOf({ 'o3-mini': 'openai/gpt-6-luna' }).get('o3-mini')).toMatchObject(LUNA)
    expect(tableOf({ fast: { slug: 'openai/gpt-6-luna' } }).get('fast')).toMatchObject({
      ...LUNA,
      id: 'fast',
    })
    expect(tableOf({}).get('o3-mini')).toMatchObject({
      slug: 'openai/o3-mini',
      contextTokens: 200_000,
      prices: { inputMicroUsd: 1_100_000, cachedInputMicroUsd: 550_000, outputMicroUsd: 4_400_000 },
      shutdownDate: '2026-10-23',
    })
  })

  it('has the row’s fields on top, and keeps the prices that the row leaves out', () => {
    const row = {
      slug: 'openai/gpt-6-luna',
      contextTokens: 9_000,
      formats: ['responses'],
      usdPerMillionTokens: { input: 0.05 },
      refusedParameters: ['seed'],
      shutdownDate: '2028-02-29',
    }
    expect(tableOf({ fast: row }).get('fast')).toMatchObject({
      ...LUNA,
      contextTokens: 9_000,
      formats: ['responses'],
      prices: { ...LUNA.prices, inputMicroUsd: 50_000 },
      refusedParameters: ['seed'],
      shutdownDate: '2028-02-29',
    })
    expect(tableOf({ o3: { slug: 'openai/o3', shutdownDate: null } }).get('o3')?.shutdownDate).toBeNull()
  })

  it('needs prices where the catalog has none', () => {
    expect(reasonFor({ pro: 'openai/gpt-5.4-pro' })).toMatch(
      /pro.*openai\/gpt-5\.4-pro.*usdPerMillionTokens\.input, usdPerMillionTokens\.output$/,
    )
  })
})

describe('a slug that the catalog does not know', () => {
  it.each([
    ['vendor/x', /contextTokens, outputTokensMax, usdPerMillionTokens\.input, usdPerMillionTokens\.output$/],
    [UNKNOWN, /: usdPerMillionTokens\.input, usdPerMillionTokens\.output$/],
    [{ ...UNKNOWN, usdPerMillionTokens: { input: 1 } }, /: usdPerMillionTokens\.output$/],
    [{ slug: 'vendor/x', usdPerMillionTokens: { input: 1, output: 2 } }, /: contextTokens, outputTokensMax$/],
  ])('needs prices and limits, and the missing ones are named: %o', (row, missing) => {
    const reason = reasonFor({ fast: row })
    expect(reason).toMatch(missing)
    expect(reason).toMatch(/fast.*vendor\/x/)
  })

  it('has every price that its row gives, and the input’s for those of the cache', () => {
    const longContext = { aboveTokens: 4_000, input: 2, cacheWrite: 3, output: 4 }
    const row = { ...UNKNOWN, usdPerMillionTokens: { input: 1, output: 2, longContext } }
    expect(tableOf({ fast: row }).get('fast')).toMatchObject({
      slug: 'vendor/x',
      ownedBy: 'vendor',
      contextTokens: 8_000,
      formats: ['chat', 'responses'],
      efforts: null,
      prices: {
        inputMicroUsd: 1_000_000,
        cachedInputMicroUsd: 1_000_000,
        cacheWriteMicroUsd: 1_000_000,
        outputMicroUsd: 2_000_000,
        longContext: {
          aboveTokens: 4_000,
          inputMicroUsd: 2_000_000,
          cachedInputMicroUsd: 2_000_000,
          cacheWriteMicroUsd: 3_000_000,
          outputMicroUsd: 4_000_000,
        },
      },
    })
  })
})

describe('the aliases of o3-mini', () => {
  const slugs = (models: Record<string, unknown>) =>
    Array.from(tableOf(models).values(), ({ id, slug }) => [id, slug])

  it('follow it, unless they have rows of their own', () => {
    expect(
      slugs({ 'o3-mini': 'openai/gpt-6-luna', 'openai/o3-mini': 'openai/o3-mini', fast: 'openai/o3' }),
    ).toEqual([
      ['o3-mini', 'openai/gpt-6-luna'],
      ['o3-mini-2025-01-31', 'openai/gpt-6-luna'],
      ['openai/o3-mini', 'openai/o3-mini'],
      ['fast', 'openai/o3'],
    ])
  })

  it('name the row that decides on them', () => {
    const table = tableOf({ 'openai/o3-mini': 'openai/o3' })
    expect(Array.from(table.values(), ({ id, configuredAs }) => [id, configuredAs])).toEqual([
      ['o3-mini', 'o3-mini'],
      ['o3-mini-2025-01-31', 'o3-mini'],
      ['openai/o3-mini', 'openai/o3-mini'],
    ])
  })
})

describe('a row', () => {
  it.each([
    { slug: 'openai/o3', shutdownDate: '2027-13-01' },
    { slug: 'openai/o3', shutdownDate: 'next year!' },
    { slug: 'openai/o3', formats: [] },
    { slug: 'openai/o3', formats: ['completions'] },
    { slug: 'openai/o3', usdPerMillionTokens: { input: -1 } },
    { slug: 'openai/o3', usdPerMillionTokens: { longContext: { aboveTokens: 1, input: 1 } } },
    { slug: 'openai/o3', price: 1 },
    {},
    '',
  ])('that is wrong is refused: %o', (row) => {
    expect(modelOverrides.safeParse({ fast: row }).success).toBe(false)
  })
})
