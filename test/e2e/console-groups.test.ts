/** Groups of keys on the console and on the holder's page in Chromium. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import {
  asOperator,
  createKey,
  expectSound,
  hasNoBrowser,
  signIn,
  useBrowser,
  useKey,
} from '../support/node/console-page.ts'

interface Group {
  id: string
  name: string
}

async function createGroup(name: string, limits: object = {}): Promise<Group> {
  const response = await asOperator('POST', '/admin/groups', { name, limits })
  if (response.status !== 201) throw new Error(`the gateway created no group: ${await response.text()}`)
  return (await response.json()) as Group
}

/** The ids of a group's keys, as the list has them. */
async function keysOf({ id }: Group): Promise<string[]> {
  const { data } = (await (await asOperator('GET', `/admin/keys?group=${id}`)).json()) as {
    data: { id: string }[]
  }
  return data.map((key) => key.id)
}

async function groupOf(keyId: string): Promise<unknown> {
  const { group } = (await (await asOperator('GET', `/admin/keys/${keyId}`)).json()) as { group?: string }
  return group
}

const names = (page: Page) => () => page.locator('.keys tbody th > a').allTextContents()

describe.skipIf(hasNoBrowser)('a group', { timeout: 60_000 }, () => {
  const openPage = useBrowser()

  it.each([
    ['light', 1440],
    ['dark', 360],
  ] as const)(
    'lives from its form to its end, which its keys forbid (%s, %d px)',
    async (colorScheme, width) => {
      const { page, problems } = await openPage('/console', { colorScheme, width })
      const name = `Team ${colorScheme}`
      await signIn(page)
      await page.getByRole('link', { name: 'Groups', exact: true }).click()
      await page.getByRole('button', { name: 'New group' }).click()
      await page.getByLabel('Name', { exact: true }).fill(name)
      await page.getByLabel('Budget in USD').fill('20')
      await page.getByText('Limits', { exact: true }).last().click()
      await page.getByLabel('Requests a day').fill('500')
      expect(await page.getByLabel('Completion tokens a request').count()).toBe(0)
      await expectSound(page)
      await page.getByRole('button', { name: 'Create group' }).click()

      await page.getByRole('heading', { name }).waitFor()
      await page.getByText('$20.00 left').waitFor()
      await page.getByText('500 left').waitFor()
      await page.getByText('No key is in this group').waitFor()
      await expectSound(page)
      await page.getByRole('button', { name: 'New key in this group' }).click()
      await page.getByLabel('Name', { exact: true }).fill(`key of ${name}`)
      await page.getByRole('button', { name: 'Create key' }).click()
      await page.getByRole('button', { name: 'I have copied it' }).click()
      await expect.poll(names(page)).toEqual([`key of ${name}`])
      await expectSound(page)

      await page.getByRole('button', { name: 'Delete' }).click()
      await page.getByRole('button', { name: 'Delete for good' }).click()
      await page.getByRole('alert').waitFor()
      await expectSound(page)
      await page.getByRole('link', { name: 'The keys of this group' }).click()
      await expect.poll(names(page)).toEqual([`key of ${name}`])
      // The group's id stands there until the groups have loaded.
      const chosen = () => page.getByLabel('Group').locator('option:checked').textContent()
      await expect.poll(chosen).toBe(name)
      await page.getByRole('link', { name: `key of ${name}`, exact: true }).click()
      await page.getByRole('button', { name: 'Edit' }).click()
      await page.getByLabel('Group').selectOption('None')
      await page.getByRole('button', { name: 'Save' }).click()
      await expect.poll(() => page.locator('dt', { hasText: 'Group' }).count()).toBe(0)

      await page.getByRole('link', { name: 'Groups', exact: true }).click()
      await page.getByRole('link', { name }).click()
      await page.getByText('No key is in this group').waitFor()
      await page.getByRole('button', { name: 'Delete' }).click()
      await page.getByRole('button', { name: 'Delete for good' }).click()
      await page.getByRole('heading', { name: 'Groups' }).waitFor()
      await expect.poll(names(page)).not.toContain(name)
      expect(problems).toEqual([])
    },
  )

  it('is edited without the loss of what another operator changed meanwhile', async () => {
    const { id } = await createGroup('edited', { requestsPerDay: 9, concurrentRequests: 3 })
    const { page, problems } = await openPage(`/console#/groups/${id}`)
    await signIn(page)
    await page.getByRole('button', { name: 'Edit' }).click()
    await asOperator('PATCH', `/admin/groups/${id}`, { limits: { requestsPerDay: 77 } })
    await page.getByLabel('Name', { exact: true }).fill('edited again')
    await page.getByLabel('Requests at one time').fill('')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'edited again' }).waitFor()
    const edited = await (await asOperator('GET', `/admin/groups/${id}`)).json()
    expect(edited).toMatchObject({ name: 'edited again', limits: { requestsPerDay: 77 } })
    expect(edited).not.toHaveProperty('limits.concurrentRequests')
    expect(problems).toEqual([])
  })

  it('is made, and left again, by keyboard alone', async () => {
    const { page, problems } = await openPage('/console#/groups')
    await page.keyboard.type('local-admin-token-for-this-machine-only')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'New group' }).focus()
    await page.keyboard.press('Enter')
    await page.locator('dialog input:focus').first().waitFor()
    await page.keyboard.press('Escape')
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '')
    await expect.poll(focused).toBe('New group')
    await page.keyboard.press('Enter')
    await page.locator('dialog input:focus').first().waitFor()
    await page.keyboard.type('by keyboard')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'by keyboard' }).waitFor()
    await expect.poll(focused).toBe('by keyboard')
    expect(problems).toEqual([])
  })

  it('of an id that no group has says so, and leads back', async () => {
    const { page } = await openPage('/console#/groups/grp_nobody000000')
    await signIn(page)
    await page.getByRole('heading', { name: 'No such group' }).waitFor()
    expect(await page.getByRole('heading', { name: 'Usage' }).count()).toBe(0)
    await expectSound(page)
    await page.locator('.back').getByRole('link').click()
    await page.getByRole('heading', { name: 'Groups' }).waitFor()
  })
})

describe.skipIf(hasNoBrowser)('the list of groups', { timeout: 60_000 }, () => {
  const openPage = useBrowser()

  it('is searched, sorted and continued', async () => {
    for (const name of ['Row-c', 'Row-a', 'Row-b']) await createGroup(name, { requestsPerMinute: 60 })
    const { page, problems } = await openPage('/console#/groups')
    await signIn(page)
    await page.getByLabel('Name begins with').fill('row-')
    await expect.poll(names(page)).toEqual(['Row-c', 'Row-a', 'Row-b'])
    await page.getByText('60 req/min').first().waitFor()
    await page.route('**/admin/groups?*', (route) =>
      route.continue({ url: route.request().url().replace('limit=100', 'limit=2') }),
    )
    await page.getByLabel('Sort').selectOption('Name')
    await expect.poll(names(page)).toEqual(['Row-a', 'Row-b'])
    await page.getByRole('button', { name: 'Show more groups' }).click()
    await expect.poll(names(page)).toEqual(['Row-a', 'Row-b', 'Row-c'])
    await page.getByLabel('Name begins with').fill('row-z')
    await page.getByText('No group is like that').waitFor()
    await expectSound(page)
    expect(problems).toEqual([])
  })

  it('that is empty leads to the first group; one that fails says why, and asks again', async () => {
    const { page, problems } = await openPage('/console#/groups', { width: 360 })
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const error = {
      message: 'The groups are away.',
      type: 'server_error',
      param: null,
      code: 'keys_unavailable',
    }
    await page.route('**/admin/groups?*', async (route) => {
      await held
      await route.fulfill({ status: 503, headers: { 'x-request-id': 'req_away' }, json: { error } })
    })
    await signIn(page)
    await page.getByText('Loading…').first().waitFor({ state: 'attached' })
    await expectSound(page)
    release()
    await page.getByText('The groups are away.').waitFor()
    await page.getByText('req_away').waitFor()
    await expectSound(page)
    await page.unroute('**/admin/groups?*')
    await page.route('**/admin/groups?*', (route) => route.fulfill({ json: { data: [], nextCursor: null } }))
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('No groups yet').waitFor()
    await expectSound(page)
    await page.getByRole('button', { name: 'Create the first group' }).click()
    await page.getByLabel('Name', { exact: true }).waitFor()
    expect(problems).toEqual([])
  })

  it.each([320, 2560])('and a group fit into %d px with names that are long and hostile', async (width) => {
    const hostile = `<img src=x onerror=alert(1)> \u202Eesrever ${'w'.repeat(60)}`
    const group = await createGroup(hostile, { budget: { usd: 1, period: 'day' } })
    await createKey({ name: 'w'.repeat(100), group: group.id })
    const { page, problems } = await openPage('/console#/groups', { width, colorScheme: 'dark' })
    await signIn(page)
    await page.getByRole('link', { name: hostile }).first().waitFor()
    await expectSound(page)
    for (const hash of [`#/groups/${group.id}`, `#/keys?group=${group.id}`]) {
      await page.goto(`${page.url().split('#')[0] ?? ''}${hash}`)
      await page.getByRole('link', { name: 'w'.repeat(100) }).waitFor()
      await expectSound(page)
    }
    expect(problems).toEqual([])
  })
})

describe.skipIf(hasNoBrowser)('a key in a group', { timeout: 90_000 }, () => {
  const openPage = useBrowser()

  it('gets its group in its form, and shows it in the list and on its page', async () => {
    const [one, two] = [await createGroup('Choice one'), await createGroup('Choice two')]
    const { page, problems } = await openPage('/console#/keys')
    await signIn(page)
    await page.getByRole('button', { name: 'New key' }).click()
    await page.getByLabel('Name', { exact: true }).fill('chosen')
    await page.getByRole('dialog').getByLabel('Group').selectOption('Choice one')
    await page.getByRole('button', { name: 'Create key' }).click()
    await page.getByRole('button', { name: 'I have copied it' }).click()
    await page.getByLabel('Group').selectOption('Choice one')
    await expect.poll(names(page)).toEqual(['chosen'])
    await page.getByText('in Choice one').waitFor()
    await expectSound(page)
    await page.getByRole('link', { name: 'chosen' }).click()
    await page.getByRole('link', { name: 'Choice one' }).waitFor()
    const [id = ''] = await keysOf(one)
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Group').selectOption('Choice two')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('link', { name: 'Choice two' }).click()
    await page.getByRole('heading', { name: 'Choice two' }).waitFor()
    expect(await groupOf(id)).toBe(two.id)
    expect(problems).toEqual([])
  })

  it('says that its group was deleted, and is taken out of it', async () => {
    const group = await createGroup('Gone soon')
    const { id } = await createKey({ name: 'left behind', group: group.id })
    const { page, problems } = await openPage(`/console#/keys/${id}`)
    const error = {
      message: 'No such group.',
      type: 'invalid_request_error',
      param: null,
      code: 'group_not_found',
    }
    await page.route(`**/admin/groups/${group.id}`, (route) =>
      route.fulfill({ status: 404, json: { error } }),
    )
    await page.route('**/admin/groups?*', (route) => route.fulfill({ json: { data: [], nextCursor: null } }))
    await signIn(page)
    await page.getByText('The group was deleted, so all requests of the key are refused.').waitFor()
    await expectSound(page)
    await page.getByRole('button', { name: 'Edit' }).click()
    expect(await page.getByLabel('Group').locator('option:checked').textContent()).toBe(group.id)
    await page.getByLabel('Group').selectOption('None')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect.poll(() => page.getByText('The group was deleted').count()).toBe(0)
    expect(await groupOf(id)).toBeUndefined()
    expect(problems).toEqual([])
  })

  it('keeps its group in a form whose groups have not loaded', async () => {
    const group = await createGroup('Not loaded')
    const { id } = await createKey({ name: 'kept', group: group.id })
    const { page, problems } = await openPage(`/console#/keys/${id}`, { width: 360 })
    await page.route('**/admin/groups?*', (route) => route.abort())
    await signIn(page)
    await page.getByRole('link', { name: 'Not loaded' }).waitFor()
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByText('The groups have not loaded').waitFor()
    await page.getByLabel('Name', { exact: true }).fill('kept with its group')
    await expectSound(page)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'kept with its group' }).waitFor()
    expect(await groupOf(id)).toBe(group.id)
    expect(problems).toEqual([])
  })

  it('is told where the group refused it: on Explain, in its last requests, and to its holder', async () => {
    const group = await createGroup('Tight team', { requestsPerDay: 1, budget: { usd: 3, period: 'day' } })
    const { id, secret } = await createKey({ name: 'refused', group: group.id })
    const sentence = 'The key’s group may send 1 request a day (UTC), and had sent 1.'
    expect((await useKey(secret, { prompt_tokens: 1_000_000, completion_tokens: 0 })).status).toBe(200)
    const refused = await useKey(secret)
    expect(refused.status).toBe(429)
    const { page, problems } = await openPage(
      `/console#/explain/${refused.headers.get('x-request-id') ?? ''}`,
    )
    await signIn(page)
    await expect
      .poll(
        async () => {
          await page.reload()
          await page
            .getByRole('alert')
            .or(page.getByText('Refused', { exact: true }))
            .first()
            .waitFor()
          return page.getByText(sentence).count()
        },
        { timeout: 40_000, interval: 500 },
      )
      .toBe(1)
    await expectSound(page)
    await page.goto(`${page.url().split('#')[0] ?? ''}#/keys/${id}`)
    await page.locator('.requests').getByText(sentence).waitFor()
    await page.getByText('What if the limits were other ones?').click()
    await page.getByText('The limits of its group are not replayed').waitFor()
    await expectSound(page)
    const holder = await openPage('/usage', { width: 360 })
    await signIn(holder.page, secret)
    await holder.page.getByRole('heading', { name: 'What is left for the group Tight team' }).waitFor()
    await holder.page.getByText('$1.90 left').waitFor()
    await holder.page.getByText('0 left', { exact: true }).waitFor()
    await holder.page.getByText(sentence).waitFor()
    await expectSound(holder.page)
    expect([...problems, ...holder.problems]).toEqual([])
  })

  it('counts for its group: in the list, on the group’s page, and on the overview', async () => {
    const group = await createGroup('Counted team', { budget: { usd: 2, period: 'month' } })
    const { secret } = await createKey({ name: 'counted one', group: group.id })
    await createKey({ name: 'counted two', group: group.id })
    expect((await useKey(secret, { prompt_tokens: 1_000_000, completion_tokens: 0 })).status).toBe(200)
    const cost = async (): Promise<number | undefined> => {
      const response = await asOperator('GET', '/admin/groups?name=counted')
      const { data } = (await response.json()) as { data: { monthCostUsd: number }[] }
      return data[0]?.monthCostUsd
    }
    await expect.poll(cost, { timeout: 30_000, interval: 200 }).toBe(1.1)
    const { page, problems } = await openPage('/console')
    await signIn(page)
    const row = page
      .getByRole('region', { name: 'Usage by group' })
      .getByRole('row', { name: 'Counted team' })
    expect(await row.locator('.money').textContent()).toBe('$1.100000')
    await row.getByRole('link').click()
    await page.getByText('$0.90 left').waitFor()
    expect(await page.locator('.figure .money').first().textContent()).toBe('$1.100000')
    await expect.poll(async () => (await names(page)()).toSorted()).toEqual(['counted one', 'counted two'])
    await page.locator('.back').getByRole('link').click()
    const budget = page.getByRole('row').filter({ hasText: 'Counted team' }).locator('.budget')
    expect(await budget.textContent()).toBe('$0.90 left of $2.00 a month')
    expect(problems).toEqual([])
  })
})
