import { expect, it } from 'vitest'
import { scarcerStatus } from '../../../src/accounts/scarcer-status.ts'
import { budgetOf, standing } from './client-asking.ts'

it('of each limit the status with less left is shown, and a limit that only one of them has', () => {
  const ofKey = { requests: standing(10, 4), tokens: standing(100, 99), budget: budgetOf(70) }
  const ofGroup = { requests: standing(10, 5), concurrentRequests: standing(3, 3), budget: budgetOf(80) }
  expect(scarcerStatus(ofKey, ofGroup)).toEqual({
    requests: standing(10, 5),
    tokens: standing(100, 99),
    concurrentRequests: standing(3, 3),
    budget: budgetOf(70),
  })
})

it('the key is shown where both have the same left', () => {
  expect(scarcerStatus({ requests: standing(9, 8) }, { requests: standing(4, 3) })).toEqual({
    requests: standing(9, 8),
  })
  expect(scarcerStatus({}, {})).toEqual({})
})
