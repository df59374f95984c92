/** Opens the console and the holder's page in Chromium, and collects what goes wrong there. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject } from 'vitest'
import { findBrowser, launchBrowser } from './browser.ts'

export const ADMIN_TOKEN = 'local-admin-token-for-this-machine-only'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const executablePath = findBrowser()

/** Whether this machine has no browser. Its tests are then skipped, and the terminal says so. */
export const hasNoBrowser = executablePath === null
if (hasNoBrowser) {
  if (process.env['CI'] === 'true') throw new Error('Chromium is not on the PATH')
  process.stderr.write('Tests of the console are skipped: Chromium is not on the PATH.\n')
}

export interface Viewport {
  colorScheme?: 'light' | 'dark'
  width?: number
}

export interface OpenPage {
  page: Page
  /** Errors of the page and its console, violations of the policy, and requests to other hosts. */
  problems: string[]
}

/** Starts a browser for the tests of a file. `urlOf` is of another gateway than the one that all tests share. */
export function useBrowser(
  urlOf = () => inject('gatewayUrl'),
): (path: string, viewport?: Viewport) => Promise<OpenPage> {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser(executablePath ?? '')
  }, 60_000)
  afterAll(() => browser.close())
  return async (path, { colorScheme = 'light', width = 1440 } = {}) => {
    const url = urlOf()
    const context = await browser.newContext({
      colorScheme,
      viewport: { width, height: 900 },
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    const page = await context.newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      // Chromium logs each refusal and each broken connection, and a test may want one.
      const isWanted = /status of [45]\d\d|net::ERR_/.test(message.text())
      if (message.type() === 'error' && !isWanted) problems.push(message.text())
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) problems.push(`a request to ${request.url()}`)
    })
    await page.goto(url + path)
    return { page, problems }
  }
}

export async function signIn(page: Page, credential = ADMIN_TOKEN): Promise<void> {
  await page.locator('input').fill(credential)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Sign out' }).waitFor()
}

/** Fails where axe finds something, or where the page scrolls to the side. */
export async function expectSound(page: Page): Promise<void> {
  await page.evaluate(AXE)
  const violations: unknown = await page.evaluate(
    `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))`,
  )
  expect(violations).toEqual([])
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
}

/** Calls the operator's API beside the page. */
export async function asOperator(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(inject('gatewayUrl') + path, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

export async function createKey(body: Record<string, unknown>): Promise<{ id: string; secret: string }> {
  const response = await asOperator('POST', '/admin/keys', body)
  if (response.status !== 201) throw new Error(`the gateway created no key: ${await response.text()}`)
  return (await response.json()) as { id: string; secret: string }
}

/** Sends one chat completion that has this usage at once. */
export async function useKey(secret: string, usage?: Record<string, unknown>): Promise<Response> {
  return fetch(`${inject('gatewayUrl')}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'o3-mini',
      messages: [{ role: 'user', content: 'Hello!' }],
      simulate: { thinkMs: 0, firstByteDelayMs: 0, chunkDelayMs: 0, ...(usage && { usage }) },
    }),
  })
}
