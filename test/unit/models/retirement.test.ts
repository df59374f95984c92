import { describe, expect, it } from 'vitest'
import { dueWarning, moveExample } from '../../../src/models/retirement.ts'
import { modelTable } from '../../../src/models/table.ts'

const DAY_MS = 86_400_000
const END = '2027-06-30'

describe('the warning of an end', () => {
  it.each([
    [61, null],
    [60, 60],
    [15, 60],
    [14, 14],
    [2, 14],
    [1, 1],
    [0.5, 1],
    [0, 0],
    [-400, 0],
  ])('%d days before it is that of day %s', (days, due) => {
    expect(dueWarning(END, Date.parse(END) - days * DAY_MS)).toBe(due)
  })

  it('is none for a model without an announced end', () => {
    expect(dueWarning(null, 0)).toBeNull()
  })
})

describe('the example of a move', () => {
  it('is the value of MODELS, with the prices of the model and of its successors', () => {
    const table = modelTable({ cheap: { slug: 'openai/gpt-6-luna' } })
    const alias = table.get('openai/o3-mini')
    const cheap = table.get('cheap')
    expect(alias && moveExample(alias)).toBe(
      'For example {"o3-mini":"openai/gpt-6-luna"}. Dollars for a million tokens of input and of output: openai/o3-mini 1.1 and 4.4, openai/gpt-6-luna 0.1 and 0.5, openai/gpt-6.1-sol 2 and 10, openai/gpt-6-astra 10 and 50.',
    )
    expect(cheap && moveExample(cheap)).toMatch(/^For example \{"cheap":"openai\/gpt-6\.1-sol"\}/)
  })
})
