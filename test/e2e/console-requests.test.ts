/** Single requests on the console and on the holder's page in Chromium: what became of them, and what other limits would do. */
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

/** A key that may send two requests a minute, and has sent five. */
async function limitedKey(
  name: string,
): Promise<{ id: string; secret: string; answered: string; refused: string }> {
  const key = await createKey({ name, limits: { requestsPerMinute: 2 } })
  const ids: string[] = []
  for (let at = 0; at < 5; at++) ids.push((await useKey(key.secret)).headers.get('x-request-id') ?? '')
  await expect
    .poll(
      async () => {
        const response = await asOperator('GET', `/admin/keys/${key.id}/requests`)
        const { data } = (await response.json()) as { data: { state: string }[] }
        return data.filter(({ state }) => state === 'refused').length
      },
      { timeout: 40_000, interval: 500 },
    )
    .toBe(3)
  return { ...key, answered: ids[0] ?? '', refused: ids[4] ?? '' }
}

describe.skipIf(hasNoBrowser)('the requests of a key', { timeout: 90_000 }, () => {
  const openPage = useBrowser()

  it('are explained by their id, on the console', async () => {
    const { answered, refused } = await limitedKey('Explained')
    const { page, problems } = await openPage('/console#/explain')
    await signIn(page)
    await page.getByLabel('Request id').fill(refused)
    await page.getByRole('button', { name: 'Explain' }).click()
    await page.getByText('The key may send 2 requests a minute, and had sent 2.').waitFor()
    await page.getByText('It was not sent to the model, and cost nothing.').waitFor()
    await expectSound(page)
    await page.getByLabel('Request id').fill(answered)
    await page.keyboard.press('Enter')
    await page.getByText('Answered', { exact: true }).waitFor()
    await page.getByText('AI Gateway’s log id').waitFor()
    await page.getByLabel('Request id').fill('req_nobody')
    await page.keyboard.press('Enter')
    await page.getByText('No key has the request').waitFor()
    expect(problems).toEqual([])
  })

  it('are listed on the key’s page, which tells what other limits would have refused', async () => {
    const { id, refused } = await limitedKey('Replayed')
    const { page, problems } = await openPage(`/console#/keys/${id}`, { colorScheme: 'dark' })
    await signIn(page)
    const rows = () => page.locator('.requests tbody tr').count()
    await expect.poll(rows).toBe(5)
    await page.getByRole('button', { name: 'Refused' }).click()
    await expect.poll(rows).toBe(3)
    await page.getByText('What if the limits were other ones?').click()
    await page.getByText('3 of 5 requests of the last 7 days would have been refused. 3 were.').waitFor()
    await page.locator('.what-if').getByLabel('Requests a minute').fill('4')
    await page.getByText('1 of 5 requests').waitFor()
    await page.locator('.what-if').getByLabel('Requests a minute').fill('')
    await page.getByText('0 of 5 requests').waitFor()
    await page.locator('.what-if').getByLabel('Requests a day').fill('1')
    await page.getByText('4 by Requests a day').waitFor()
    await expectSound(page)
    await page.getByRole('link', { name: refused }).click()
    await page.getByRole('heading', { name: 'Explain a request' }).waitFor()
    await page.getByText('The key may send 2 requests a minute, and had sent 2.').waitFor()
    expect(problems).toEqual([])
  })

  it('are listed for the key’s holder, with why they were refused', async () => {
    const { secret } = await limitedKey('Held')
    const { page, problems } = await openPage('/usage', { width: 360 })
    await signIn(page, secret)
    await page.getByRole('button', { name: 'Refused' }).click()
    await page.getByText('The key may send 2 requests a minute, and had sent 2.').first().waitFor()
    await expectSound(page)
    expect(problems).toEqual([])
    expect(await page.getByRole('link', { name: /^req_/ }).count()).toBe(0)
  })

  it('of a key that was never used, and minutes of it, are said to be none', async () => {
    const { id } = await createKey({ name: 'Unused' })
    const { page } = await openPage(`/console#/keys/${id}`)
    await signIn(page)
    await page.getByText('No request yet.').waitFor()
    await page.getByText('What if the limits were other ones?').click()
    await page.getByText('The key was not used in the last 7 days.').waitFor()
    expect(inject('gatewayUrl')).toContain(new URL(page.url()).host)
  })
})
