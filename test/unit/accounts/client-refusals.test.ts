/** How refusals travel to the key's account: rarely, and never at the cost of a flood. */
import { describe, expect, it } from 'vitest'
import type { RefusalReport } from '../../../src/accounts/protocol.ts'
import { REFUSAL_MINUTES_MAX, REFUSALS_NAMED_MAX } from '../../../src/accounts/refusal-tally.ts'
import { REPORT_SPACING_MAX_MS, REPORT_SPACING_MS } from '../../../src/accounts/settlement-queue.ts'
import { ClientRig, DOWN, KEY, WELL } from './client-rig.ts'

const SECOND_MS = 1_000
const LIMIT = { name: 'requests', limit: 1, used: 1 }

/** Refuses one request, by a limit unless it is told otherwise. */
function refuse(rig: ClientRig, requestId: string, limit: typeof LIMIT | null = LIMIT): void {
  const atMs = rig.clock.nowMs
  const refused = { kind: 'refused', requestId, atMs, status: 429, code: null, limit } as const
  rig.client.reportRefusal(KEY, refused, atMs, rig.waitUntil)
}

const reports = (rig: ClientRig): (RefusalReport | undefined)[] =>
  rig.account().calls.map(({ batch }) => batch.refusals)

describe('refusals of a key', () => {
  it('a flood is ever fewer reports, with how many they were and the last of them', async () => {
    const rig = new ClientRig()
    const minutes = 30
    for (let at = 0; at <= minutes * 60; at++) {
      refuse(rig, `r${at}`)
      await rig.clock.advance(SECOND_MS)
    }
    const pauses = rig.account().timesMs.map((atMs, at, all) => atMs - (all[at - 1] ?? 0))
    expect(pauses.slice(0, 5).map((pause) => Math.round(pause / SECOND_MS))).toEqual([0, 1, 2, 4, 8])
    expect(Math.max(...pauses)).toBeLessThan(REPORT_SPACING_MAX_MS + 2 * SECOND_MS)
    expect(pauses.length).toBeLessThan(16)
    const last =
      reports(rig)
        .at(-1)
        ?.last.map(({ requestId }) => requestId) ?? []
    expect(last).toHaveLength(REFUSALS_NAMED_MAX)
    // Once the flood is over, all that is left travels with the key's next request.
    rig.book()
    await rig.clock.advance(SECOND_MS)
    const refused = reports(rig).flatMap((report) => report?.limited ?? [])
    expect(refused.reduce((sum, minute) => sum + minute.refused, 0)).toBe(minutes * 60 + 1)
  })

  it('after a flood come soon again', async () => {
    const rig = new ClientRig()
    for (let at = 0; at < 100; at++) {
      refuse(rig, `r${at}`)
      await rig.clock.advance(SECOND_MS)
    }
    await rig.clock.advance(3 * REPORT_SPACING_MAX_MS)
    refuse(rig, 'later')
    await rig.clock.advance(SECOND_MS)
    const known = rig.account().calls.length
    refuse(rig, 'again')
    await rig.clock.advance(REPORT_SPACING_MS)
    expect(reports(rig).at(-1)?.last.at(-1)?.requestId).toBe('again')
    expect(rig.account().calls.length).toBe(known + 1)
  })

  it('a flood keeps one request waiting, and the others end', async () => {
    const rig = new ClientRig()
    refuse(rig, 'first')
    await rig.clock.advance(SECOND_MS)
    refuse(rig, 'second')
    await rig.idle()
    for (let at = 0; at < 100; at++) refuse(rig, `r${at}`)
    expect(rig.background).toHaveLength(3)
  })

  it('a settlement takes the report along', async () => {
    const rig = new ClientRig()
    refuse(rig, 'a')
    await rig.clock.advance(SECOND_MS / 2)
    refuse(rig, 'b')
    rig.book()
    await rig.clock.advance(SECOND_MS)
    expect(reports(rig).map((report) => report?.last.map(({ requestId }) => requestId))).toEqual([
      ['a'],
      ['b'],
    ])
    expect([rig.client.waiting, rig.account().counted.size]).toEqual([0, 1])
  })

  it('a request that no limit has refused is named, and not counted', async () => {
    const rig = new ClientRig()
    refuse(rig, 'a', null)
    await rig.clock.advance(SECOND_MS)
    expect(reports(rig)).toMatchObject([{ limited: [], last: [{ requestId: 'a' }] }])
  })

  it('an account that cannot be reached costs no memory without end, and learns of them later', async () => {
    const rig = new ClientRig()
    rig.account().fate = DOWN
    for (let minute = 0; minute <= REFUSAL_MINUTES_MAX + 5; minute++) {
      refuse(rig, `r${minute}`)
      await rig.clock.advance(60 * SECOND_MS)
    }
    rig.account().fate = WELL
    refuse(rig, 'last')
    await rig.clock.advance(60 * SECOND_MS)
    refuse(rig, 'more')
    await rig.clock.advance(60 * SECOND_MS)
    const limited = reports(rig).map((report) => report?.limited.length ?? 0)
    expect(Math.max(...limited)).toBe(REFUSAL_MINUTES_MAX)
    expect(rig.client.waiting).toBe(0)
  })
})
