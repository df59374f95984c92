/** Keys on the console in Chromium: the list, a key's page, and what an operator does there. */
import { describe, expect, inject, it } from 'vitest'
import {
  asOperator,
  createKey,
  expectSound,
  hasNoBrowser,
  signIn,
  useBrowser,
  useKey,
} from '../support/node/console-page.ts'

const url = inject('gatewayUrl')

async function statusOf(secret: string): Promise<number> {
  return (await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${secret}` } })).status
}

describe.skipIf(hasNoBrowser)('the list of keys', { timeout: 60_000 }, () => {
  const openPage = useBrowser()

  it('is searched, filtered, sorted and continued', async () => {
    for (const name of ['List-c', 'List-a', 'List-b']) await createKey({ name })
    const gone = await createKey({ name: 'List-gone' })
    await asOperator('DELETE', `/admin/keys/${gone.id}`)
    const { page, problems } = await openPage('/console#/keys')
    await signIn(page)
    const names = () => page.locator('.keys tbody th a').allTextContents()
    await page.getByLabel('Name begins with').fill('list-')
    await expect.poll(names).toEqual(['List-c', 'List-a', 'List-b'])
    await page.getByLabel('Sort').selectOption('Name')
    await expect.poll(names).toEqual(['List-a', 'List-b', 'List-c'])
    await page.getByLabel('State').selectOption('Deleted')
    await expect.poll(names).toEqual(['List-gone'])
    await page.getByLabel('State').selectOption('Expired')
    await page.getByText('No key is like that').waitFor()
    await expectSound(page)
    await page.route('**/admin/keys?*', (route) =>
      route.continue({ url: route.request().url().replace('limit=100', 'limit=2') }),
    )
    await page.getByLabel('State').selectOption('All but deleted')
    await expect.poll(names).toEqual(['List-a', 'List-b'])
    await page.getByRole('button', { name: 'Show more keys' }).click()
    await expect.poll(names).toEqual(['List-a', 'List-b', 'List-c'])
    expect(await page.getByRole('button', { name: 'Show more keys' }).count()).toBe(0)
    expect(problems).toEqual([])
  })

  it('shows the costs of today and of the month, and a bar of the budget: green, amber from 80 %, red when spent', async () => {
    for (const [name, promptTokens] of [
      ['Bar-good', 500_000],
      ['Bar-low', 800_000],
      ['Bar-spent', 1_000_000],
    ] as const) {
      const { secret } = await createKey({ name, limits: { budget: { usd: 1, period: 'month' } } })
      const used = await useKey(secret, { prompt_tokens: promptTokens, completion_tokens: 0 })
      expect(used.status).toBe(200)
    }
    await createKey({ name: 'Bar-total', limits: { budget: { usd: 5, period: 'total' } } })
    const costs = async (): Promise<unknown> => {
      const response = await asOperator('GET', '/admin/keys?name=bar-&sort=name')
      const { data } = (await response.json()) as { data: { monthCostUsd: number }[] }
      return data.map(({ monthCostUsd }) => monthCostUsd)
    }
    // Accounts report their usage to the directory behind the answers.
    await expect.poll(costs, { timeout: 30_000, interval: 200 }).toEqual([0.55, 0.88, 1.1, 0])
    const { page, problems } = await openPage('/console#/keys', { colorScheme: 'dark' })
    await signIn(page)
    await page.getByLabel('Name begins with').fill('bar-')
    await page.getByLabel('Sort').selectOption('Name')
    const rowOf = (name: string) => page.getByRole('row').filter({ hasText: name })
    await expect
      .poll(() => page.locator('.keys .money').allTextContents())
      .toEqual(['$0.550000', '$0.880000', '$1.100000', '$0.000000'].flatMap((cost) => [cost, cost]))
    for (const [name, level, text] of [
      ['Bar-good', 'good', '$0.45 left of $1.00 a month'],
      ['Bar-low', 'low', '$0.12 left of $1.00 a month'],
      ['Bar-spent', 'spent', 'Spent: $1.00 a month'],
    ] as const) {
      expect(await rowOf(name).locator('.budget').textContent()).toBe(text)
      expect(await rowOf(name).locator('.used-bar').getAttribute('class')).toContain(`used-${level}`)
    }
    await rowOf('Bar-total').getByText('$5.00 in total').waitFor()
    await expectSound(page)
    expect(problems).toEqual([])
  })
})

describe.skipIf(hasNoBrowser)('a key’s page', { timeout: 60_000 }, () => {
  const openPage = useBrowser()

  it('holds a key to models and addresses, says which entry is wrong, and lets it go again', async () => {
    const { id } = await createKey({ name: 'held' })
    const { page, problems } = await openPage(`/console#/keys/${id}`)
    await signIn(page)
    const save = async (models: string, addresses: string) => {
      await page.getByRole('button', { name: 'Edit' }).click()
      if (models !== '') await page.getByText('Models and addresses').click()
      await page.getByLabel('Models').fill(models)
      await page.getByLabel('Allowed addresses').fill(addresses)
      await expectSound(page)
      await page.getByRole('button', { name: 'Save' }).click()
    }
    await save('o3-mini', '203.0.113.7 1.2.3.4/33')
    await page.getByText('Invalid address').waitFor()
    await page.getByLabel('Allowed addresses').fill('203.0.113.7,\n2001:db8::/32')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('203.0.113.7, 2001:db8::/32').waitFor()
    const read = async () => (await asOperator('GET', `/admin/keys/${id}`)).json()
    const allowedAddresses = ['203.0.113.7', '2001:db8::/32']
    expect(await read()).toMatchObject({ models: ['o3-mini'], allowedAddresses })
    await save('', '')
    await expect.poll(read).not.toHaveProperty('models')
    expect(await read()).not.toHaveProperty('allowedAddresses')
    expect(problems).toEqual([])
  })

  it('edits what was changed, and leaves what another operator changed meanwhile', async () => {
    const limits = { requestsPerMinute: 5, budget: { usd: 3, period: 'day' } }
    const { id } = await createKey({ name: 'edited', limits })
    const { page, problems } = await openPage(`/console#/keys/${id}`)
    await signIn(page)
    await page.getByRole('button', { name: 'Edit' }).click()
    await expectSound(page)
    await asOperator('PATCH', `/admin/keys/${id}`, { limits: { tokensPerMinute: 9_000 } })
    await page.getByLabel('Name', { exact: true }).fill('edited again')
    await page.getByLabel('Requests a minute').fill('')
    await page.getByLabel('Budget in USD').fill('4.5')
    await page.getByLabel('Expires').fill('2099-01-02T03:04')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'edited again' }).waitFor()
    const edited = (await (await asOperator('GET', `/admin/keys/${id}`)).json()) as object
    expect(edited).toMatchObject({
      name: 'edited again',
      expiresAt: expect.stringMatching(/^2099-01-0/),
      limits: { tokensPerMinute: 9_000, budget: { usd: 4.5, period: 'day' } },
    })
    expect(edited).not.toHaveProperty('limits.requestsPerMinute')
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Expires').fill('2001-01-01T00:00')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText("Invalid 'expiresAt'").waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0)
    expect(problems).toEqual([])
  })

  it('rotates the secret with a grace period, in which both secrets work', async () => {
    const { id, secret } = await createKey({ name: 'rotated' })
    const { page, problems } = await openPage(`/console#/keys/${id}`)
    await signIn(page)
    await page.getByRole('button', { name: 'Rotate' }).click()
    await page.getByLabel('The old secret stays good').selectOption('For 1 day')
    await page.getByRole('button', { name: 'Make a new secret' }).click()
    await page.getByText('The old secret stays good until').waitFor()
    const rotated = (await page.getByLabel('Secret', { exact: true }).textContent()) ?? ''
    expect(rotated).not.toBe(secret)
    expect([await statusOf(secret), await statusOf(rotated)]).toEqual([200, 200])
    // Esc must not close what is shown once.
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Python' }).click()
    await page.getByLabel('Python example').getByText(rotated).waitFor()
    await expectSound(page)
    await page.getByRole('button', { name: 'I have copied it' }).click()
    expect(problems).toEqual([])
  })

  it('shows what is left of its limits, and its usage over the chosen range, equal to the API’s', async () => {
    const limits = { requestsPerDay: 4, budget: { usd: 2, period: 'month' }, requestsPerMinute: 100 }
    const { id, secret } = await createKey({ name: 'ranged', limits })
    await useKey(secret, { prompt_tokens: 123_457, completion_tokens: 1_000 })
    const { page, problems } = await openPage(`/console#/keys/${id}`)
    await signIn(page)
    const requests = page.locator('.figure', { has: page.getByText('Requests', { exact: true }) })
    await expect
      .poll(async () => {
        await page.getByRole('button', { name: 'Refresh' }).click()
        return requests.locator('.figure-value').textContent()
      })
      .toBe('1')
    await page.getByText('3 left').waitFor()
    // 123,457 × 1.10 + 1,000 × 4.40 dollars a million, rounded up.
    await page.getByText('$1.859797 left').waitFor()
    expect(await page.locator('.figure .money').first().textContent()).toBe('$0.140203')
    for (const days of [7, 90]) {
      const asked = page.waitForRequest(/usage\?from=/)
      await page.getByRole('button', { name: `${days} days` }).click()
      await asked
      // The table stays open over a change of the range.
      if (days === 7) await page.getByText(`Table of these ${days} days`).click()
      await expect
        .poll(() => page.getByRole('region', { name: 'Usage by day' }).locator('tbody tr').count())
        .toBe(days)
    }
    await expectSound(page)
    expect(problems).toEqual([])
  })

  it('that was deleted says so, has no actions, and keeps its usage', async () => {
    const { id, secret } = await createKey({ name: 'gone for good', limits: { requestsPerMinute: 7 } })
    await useKey(secret, { prompt_tokens: 1_000, completion_tokens: 0 })
    await asOperator('DELETE', `/admin/keys/${id}`)
    const { page, problems } = await openPage(`/console#/keys/${id}`)
    await signIn(page)
    await page.getByRole('heading', { name: 'gone for good' }).waitFor()
    await page.getByText('This key was deleted and cannot come back.').waitFor()
    await page.locator('.figure .money').first().waitFor()
    expect(await page.getByRole('button', { name: /Edit|Rotate|Disable|Delete/ }).count()).toBe(0)
    expect(await page.getByRole('alert').count()).toBe(0)
    await expectSound(page)
    expect(problems).toEqual([])
  })

  it('of an id that no key has says so, and leads back', async () => {
    const { page } = await openPage('/console#/keys/NoSuchKey000')
    await signIn(page)
    await page.getByRole('heading', { name: 'No such key' }).waitFor()
    expect(await page.getByRole('heading', { name: 'Usage' }).count()).toBe(0)
    await expectSound(page)
    await page.locator('.back').getByRole('link').click()
    await page.getByRole('heading', { name: 'Keys' }).waitFor()
  })
})
