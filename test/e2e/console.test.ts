/** The console and the holder's page in Chromium, as an operator and a holder use them. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { findBrowser, launchBrowser } from '../support/node/browser.ts'

const url = inject('gatewayUrl')
const ADMIN_TOKEN = 'local-admin-token-for-this-machine-only'
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const executablePath = findBrowser()
if (executablePath === null) {
  if (process.env['CI'] === 'true') throw new Error('Chromium is not on the PATH')
  process.stderr.write('The tests of the console are skipped: Chromium is not on the PATH.\n')
}

it('serves the pages with a strict policy, and other unknown paths as the API’s 404', async () => {
  const page = await fetch(`${url}/console`)
  expect(page.headers.get('content-type')).toContain('text/html')
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
  expect(page.headers.get('content-security-policy')).not.toContain('unsafe')
  expect((await (await fetch(`${url}/console/nope`)).json()) as object).toMatchObject({
    error: { code: 'unknown_url' },
  })
})

describe.skipIf(executablePath === null)('a browser', { timeout: 60_000 }, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser(executablePath ?? '')
  }, 60_000)
  afterAll(() => browser.close())

  async function openPage(path: string, colorScheme: 'light' | 'dark', width: number) {
    const context = await browser.newContext({
      colorScheme,
      viewport: { width, height: 900 },
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    const page = await context.newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      // Chromium logs each refusal, and a test may want one.
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) problems.push(message.text())
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) problems.push(`a request to ${request.url()}`)
    })
    await page.goto(url + path)
    return { page, problems }
  }

  async function violationsIn(page: Page): Promise<unknown> {
    await page.evaluate(AXE)
    return page.evaluate(
      `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))`,
    )
  }

  async function signIn(page: Page, credential: string): Promise<void> {
    await page.locator('input').fill(credential)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
  }

  it.each([
    ['light', 1440],
    ['dark', 360],
  ] as const)('takes an operator from a new key to its end (%s, %d px)', async (colorScheme, width) => {
    const { page, problems } = await openPage('/console', colorScheme, width)
    const name = `browser-${colorScheme}`
    expect(await violationsIn(page)).toEqual([])
    await signIn(page, ADMIN_TOKEN)
    await page.getByRole('heading', { name: 'Today' }).waitFor()
    expect(await violationsIn(page)).toEqual([])

    await page.getByRole('link', { name: 'Keys', exact: true }).click()
    await page.getByRole('button', { name: 'New key' }).click()
    await page.getByLabel('Name', { exact: true }).fill(name)
    await page.getByText('Limits', { exact: true }).last().click()
    await page.getByLabel('Requests a minute').fill('1')
    await page.getByRole('button', { name: 'Create key' }).click()
    await page.getByRole('button', { name: 'Copy the secret' }).click()
    expect(await violationsIn(page)).toEqual([])
    const secret = await page.evaluate(() => navigator.clipboard.readText())
    expect(secret).toMatch(/^sk-gw-/)
    await page.getByRole('button', { name: 'I have copied it' }).click()

    await page.getByRole('link', { name: 'Playground' }).click()
    await page.getByRole('button', { name: 'Paste a secret' }).click()
    await page.getByLabel('Secret').fill(secret)
    await page.getByLabel('Prompt', { exact: true }).fill('Hi')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Done', { exact: true }).waitFor()
    await page.getByText('Cost at list price').waitFor()
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Rate limit reached for this key').waitFor()
    expect(await violationsIn(page)).toEqual([])

    const holder = await openPage('/usage', colorScheme, width)
    await signIn(holder.page, secret)
    await holder.page.getByText('0 left').waitFor()
    expect(await violationsIn(holder.page)).toEqual([])

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
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    )

    await page.getByRole('button', { name: 'Disable' }).click()
    await page.getByText('Disabled', { exact: true }).waitFor()
    const refused = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${rotated}` } })
    expect(refused.status).toBe(401)
    expect(await violationsIn(page)).toEqual([])
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByLabel(`Type ${name} to confirm`).fill(name)
    await page.getByRole('button', { name: 'Delete for good' }).click()
    await page.getByRole('heading', { name: 'Keys' }).waitFor()
    expect([...problems, ...holder.problems]).toEqual([])
  })
})
