/** The console and the holder's page in Chromium, as an operator and a holder use them. */
import { describe, expect, inject, it } from 'vitest'
import { expectSound, hasNoBrowser, signIn, useBrowser } from '../support/node/console-page.ts'

const url = inject('gatewayUrl')

it('serves the pages with a strict policy, and other unknown paths as the API’s 404', async () => {
  const page = await fetch(`${url}/console`)
  expect(page.headers.get('content-type')).toContain('text/html')
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
  expect(page.headers.get('content-security-policy')).not.toContain('unsafe')
  expect((await (await fetch(`${url}/console/nope`)).json()) as object).toMatchObject({
    error: { code: 'unknown_url' },
  })
})

describe.skipIf(hasNoBrowser)('a browser', { timeout: 60_000 }, () => {
  const openPage = useBrowser()

  it.each([
    ['light', 1440],
    ['dark', 360],
  ] as const)('takes an operator from a new key to its end (%s, %d px)', async (colorScheme, width) => {
    const { page, problems } = await openPage('/console', { colorScheme, width })
    const name = `browser-${colorScheme}`
    await expectSound(page)
    await signIn(page)
    await page.getByRole('heading', { name: 'Today' }).waitFor()
    await expectSound(page)

    await page.getByRole('link', { name: 'Keys', exact: true }).click()
    await page.getByRole('button', { name: 'New key' }).click()
    await page.getByLabel('Name', { exact: true }).fill(name)
    await page.getByText('Limits', { exact: true }).last().click()
    await page.getByLabel('Requests a minute').fill('1')
    await page.getByRole('button', { name: 'Create key' }).click()
    await page.getByRole('button', { name: 'Copy the secret' }).click()
    await expectSound(page)
    const secret = await page.evaluate(() => navigator.clipboard.readText())
    expect(secret).toMatch(/^sk-gw-/)
    await page.getByRole('button', { name: 'I have copied it' }).click()

    await page.getByRole('link', { name: 'Playground', exact: true }).click()
    await page.getByRole('button', { name: 'Paste a secret' }).click()
    await page.getByLabel('Secret').fill(secret)
    await page.getByLabel('Prompt', { exact: true }).fill('Hi')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Done', { exact: true }).waitFor()
    await page.getByText('by this gateway’s prices of o3-mini').waitFor()
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Rate limit reached for this key').waitFor()
    await expectSound(page)

    const holder = await openPage('/usage', { colorScheme, width })
    await signIn(holder.page, secret)
    await holder.page.getByText('0 left').waitFor()
    await expectSound(holder.page)

    await page.getByRole('link', { name: 'Keys', exact: true }).click()
    await page.getByRole('link', { name, exact: true }).click()
    const requests = page.locator('.figure', { has: page.getByText('Requests', { exact: true }) })
    await expect
      .poll(async () => {
        await page.getByRole('button', { name: 'Refresh' }).click()
        return requests.locator('.figure-value').textContent()
      })
      .toBe('1')
    await page.getByRole('button', { name: 'Rotate' }).click()
    await page.getByLabel('The old secret stays good').selectOption('0')
    await page.getByRole('button', { name: 'Make a new secret' }).click()
    await page.getByText('The old secret has ended.').waitFor()
    const rotated = await page.getByLabel('Secret', { exact: true }).textContent()
    expect(rotated).not.toBe(secret)
    await page.getByRole('button', { name: 'I have copied it' }).click()

    await page.getByRole('button', { name: 'Disable' }).click()
    await page.getByText('Disabled', { exact: true }).waitFor()
    const refused = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${rotated}` } })
    expect(refused.status).toBe(401)
    await expectSound(page)
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByLabel(`Type ${name} to confirm`).fill(name)
    await page.getByRole('button', { name: 'Delete for good' }).click()
    await page.getByRole('heading', { name: 'Keys' }).waitFor()
    expect([...problems, ...holder.problems]).toEqual([])
  })

  it('works by keyboard alone: over the skip link, into a dialog and back', async () => {
    const { page, problems } = await openPage('/console#/keys', { width: 1440 })
    await page.keyboard.type('local-admin-token-for-this-machine-only')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
    await page.keyboard.press('Tab')
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '')
    expect(await focused()).toContain('Skip to the content')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('New key')
    await page.keyboard.press('Enter')
    await page.locator('dialog input:focus').first().waitFor()
    await page.keyboard.type('by keyboard')
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('by keyboard')
    await page.keyboard.press('Escape')
    await expect.poll(focused).toBe('New key')
    expect(problems).toEqual([])
  })
})
