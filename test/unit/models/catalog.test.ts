/** The catalog that ships has the published facts of each model. */
import { describe, expect, it } from 'vitest'
import { catalogModel, SUCCESSORS } from '../../../src/models/catalog.ts'
import published from '../../support/fixtures/catalog.json'

/** The vendor's models reason, or they take no effort at all. The published enum says neither. */
const EFFORTS = ['none', 'low', 'medium', 'high', 'xhigh', 'max']

describe('the catalog', () => {
  it.each(published.models.map((model) => [model.slug, model] as const))(
    'has the limits, formats, prices and end of %s',
    (slug, { usdPerMillionTokens: usd, reasoningEfforts, ...facts }) => {
      const known = Object.entries(usd).filter(([, price]) => price !== null)
      const model = catalogModel(slug)
      expect(model).toMatchObject({
        slug,
        contextTokens: facts.contextTokens,
        outputTokensMax: facts.outputTokensMax,
        formats: facts.formats ?? ['chat', 'responses'],
        shutdownDate: facts.shutdownDate,
      })
      const { longContext } = facts as { longContext?: object }
      const expected = { ...Object.fromEntries(known), ...(longContext === undefined ? {} : { longContext }) }
      expect(model?.usdPerMillionTokens).toEqual(expected)
      // The published enum also has efforts that the model refuses, and those of models that do not reason.
      const allowed = reasoningEfforts ?? EFFORTS
      expect(model?.efforts?.filter((effort) => !allowed.includes(effort)) ?? []).toEqual([])
      expect(model?.refusedParameters.includes('temperature')).toBe(facts.refusesSamplingParameters === true)
    },
  )

  it('knows no other slug', () => {
    expect([catalogModel('openai/gpt-99'), catalogModel('constructor'), catalogModel('')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('says which newer models take tools in chat only with effort none, or never', () => {
    const tools = (name: string) => catalogModel(`openai/${name}`)?.toolsInChat
    expect(['o3-mini', 'gpt-6-luna', 'gpt-6-sol', 'gpt-6-astra', 'gpt-6.1-sol'].map(tools)).toEqual([
      'always',
      'with_effort_none',
      'with_effort_none',
      'never',
      'never',
    ])
  })

  it('names as successors models with prices and without an announced end', () => {
    for (const slug of SUCCESSORS) {
      expect(catalogModel(slug)).toMatchObject({
        shutdownDate: null,
        usdPerMillionTokens: { input: expect.any(Number), output: expect.any(Number) },
      })
    }
  })
})
