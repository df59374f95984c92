/** Admissions by the account of a group: no copy says which limits it has. */
import { describe, expect, it } from 'vitest'
import { GROUP_REFUSAL_BELIEVED_MAX_MS } from '../../../src/accounts/account-view.ts'
import { OUTAGE_CALL_SPACING_MS } from '../../../src/accounts/outage.ts'
import { admit, admitted, budgetOf, refused, standing } from './client-asking.ts'
import { ClientRig, DOWN, WELL } from './client-rig.ts'

describe('the account of a group', () => {
  it('is asked again five seconds after it has refused, though its refusal holds for longer', async () => {
    const rig = new ClientRig()
    rig.account().answer = refused({ refusedUntilMs: rig.clock.nowMs + 60_000 })
    await admit(rig, null)
    await rig.clock.advance(GROUP_REFUSAL_BELIEVED_MAX_MS - 1)
    expect(await admit(rig, null)).toMatchObject({ outcome: 'refused', by: 'isolate' })
    await rig.clock.advance(1)
    expect(await admit(rig, null)).toMatchObject({ outcome: 'refused', by: 'account' })
  })

  it('that does not answer is replaced by the limits of its last reply', async () => {
    const rig = new ClientRig()
    const budget = budgetOf(10_000)
    rig.account().answer = admitted({
      requests: standing(60, 1),
      tokens: standing(9_000, 50),
      requestsPerDay: standing(3, 1),
      budget,
    })
    await admit(rig, null)
    rig.account().fate = DOWN
    expect(await admit(rig, null)).toMatchObject({
      outcome: 'admitted',
      by: 'isolate',
      limits: { requestsPerMinute: 60, tokensPerMinute: 9_000, requestsPerDay: 3, mode: 'exact', budget },
    })
    expect(await admit(rig, null)).toMatchObject({ outcome: 'admitted', by: 'isolate' })
    expect(await admit(rig, null)).toMatchObject({
      outcome: 'refused',
      refusal: { reason: 'requests_per_day' },
    })
  })

  it.each<[string, (rig: ClientRig) => Promise<unknown>]>([
    ['has never answered', async () => undefined],
    [
      'has answered that the group is gone',
      async (rig) => {
        rig.account().answer = admitted({})
        await admit(rig, null)
        rig.account().answer = { revoked: true, reading: { kind: 'deleted', version: 2 } }
        await admit(rig, null)
      },
    ],
  ])('that does not answer and %s lets nothing pass', async (_what, before) => {
    const rig = new ClientRig()
    await before(rig)
    rig.account().fate = DOWN
    expect(await admit(rig, null)).toMatchObject({ outcome: 'unavailable' })
    rig.account().fate = WELL
    rig.account().answer = admitted({})
    await rig.clock.advance(OUTAGE_CALL_SPACING_MS)
    expect(await admit(rig, null)).toMatchObject({ outcome: 'admitted', by: 'account' })
  })
})
