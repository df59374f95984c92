import { describe, expect, it } from 'vitest'
import { groupChoices } from '../../../src/console/state/group-choices.ts'
import { groupChangeOf, groupDraftOf, groupFormOf } from '../../../src/console/state/group-form.ts'
import { changeOf, draftOf, formOf } from '../../../src/console/state/key-form.ts'

const GROUP = {
  id: 'grp_Abc123Abc123',
  name: 'Search team',
  createdAt: '2026-11-26T00:00:00.000Z',
  limits: { requestsPerDay: 100, budget: { usd: 5, period: 'month' as const } },
}
const KEY = {
  ...GROUP,
  id: 'Abc123Abc123',
  name: 'alice',
  expiresAt: null,
  disabled: false,
  group: GROUP.id,
  limits: { mode: 'strict' as const, requestsPerMinute: 5 },
}

describe('the form of a group', () => {
  it('creates a group with the limits that have a text', () => {
    const form = groupFormOf(null)
    form.name.value = ' Search team '
    form.requestsPerDay.value = '100'
    form.budgetUsd.value = '5'
    expect(groupDraftOf(form)).toEqual({ name: GROUP.name, limits: GROUP.limits })
  })

  it('changes what differs alone, and removes what is empty', () => {
    const form = groupFormOf(GROUP)
    expect(groupChangeOf(form, GROUP)).toEqual({})
    form.requestsPerDay.value = ''
    form.budgetPeriod.value = 'day'
    expect(groupChangeOf(form, GROUP)).toEqual({
      limits: { requestsPerDay: null, budget: { usd: 5, period: 'day' } },
    })
    form.name.value = 'Other'
    form.requestsPerDay.value = '100'
    form.budgetPeriod.value = 'month'
    expect(groupChangeOf(form, GROUP)).toEqual({ name: 'Other' })
  })
})

describe('the form of a key', () => {
  it('puts a new key into the chosen group, or into none', () => {
    expect(draftOf(formOf(null, GROUP.id))).toMatchObject({ group: GROUP.id })
    expect(draftOf(formOf(null))).not.toHaveProperty('group')
  })

  it('moves a key to another group, and out of its group, and leaves the rest', () => {
    const form = formOf(KEY)
    expect(changeOf(form, KEY)).toEqual({})
    form.group.value = 'grp_other'
    expect(changeOf(form, KEY)).toEqual({ group: 'grp_other' })
    form.group.value = ''
    expect(changeOf(form, KEY)).toEqual({ group: null })
  })

  it('changes the mode and a limit as one change of limits', () => {
    const form = formOf(KEY)
    form.mode.value = ''
    form.tokensPerMinute.value = '7'
    expect(changeOf(form, KEY)).toEqual({ limits: { mode: null, tokensPerMinute: 7 } })
  })
})

describe('the choices of a group', () => {
  it('keep the current group where its name is not known, and tell groups of one name apart', () => {
    expect(groupChoices([], GROUP.id, 'None')).toEqual([
      ['', 'None'],
      [GROUP.id, GROUP.id],
    ])
    expect(groupChoices([GROUP], GROUP.id, 'None')).toEqual([
      ['', 'None'],
      [GROUP.id, GROUP.name],
    ])
    const twin = { ...GROUP, id: 'grp_twin' }
    expect(groupChoices([GROUP, twin], '', 'None').map(([, text]) => text)).toEqual([
      'None',
      `${GROUP.name} (${GROUP.id})`,
      `${GROUP.name} (grp_twin)`,
    ])
    expect(groupChoices([GROUP], '', 'All keys')).toEqual([
      ['', 'All keys'],
      [GROUP.id, GROUP.name],
    ])
  })
})
