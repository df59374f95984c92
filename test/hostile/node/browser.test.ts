/** CORS works in Chromium: a page of another origin calls the production build with the official SDK. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleForBrowser, findBrowser, launchBrowser } from '../../support/node/browser.ts'
import { useContractGateway } from '../../support/node/contract-gateway.ts'
import { jsonAnswer, streamAnswer } from '../../support/node/upstream-answer.ts'
import type { Access } from './page.ts'

const STREAM = readFileSync(new URL('../../support/fixtures/chat-completion-stream.sse', import.meta.url))
const COMPLETION = readFileSync(new URL('../../support/fixtures/chat-completion.json', import.meta.url))

const executablePath = findBrowser()
if (executablePath === null) {
  if (process.env['CI'] === 'true') throw new Error('Chromium is not on the PATH')
  process.stderr.write('The browser test is skipped: Chromium is not on the PATH.\n')
}

const site = createServer((_request, response) =>
  response.setHeader('content-type', 'text/html').end('<!doctype html><title>A page</title>'),
).listen(0, '127.0.0.1')
await once(site, 'listening')
// The name `localhost` makes a different host than the gateway's 127.0.0.1, not only a different port.
const origin = `http://localhost:${(site.address() as AddressInfo).port}`
afterAll(() => void site.close())

describe.skipIf(executablePath === null)('a page of another origin', { timeout: 60_000 }, () => {
  const listed = useContractGateway({ CORS_ORIGINS: `https://app.example ${origin}` })
  const unlisted = useContractGateway({ CORS_ORIGINS: 'https://app.example' })
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    browser = await launchBrowser(executablePath ?? '')
    page = await browser.newPage()
    await page.goto(origin)
    await page.addScriptTag({ content: await bundleForBrowser(new URL('page.ts', import.meta.url), 'Page') })
  }, 60_000)
  afterAll(() => browser.close())

  /** Calls an export of `page.ts` in the page. */
  function run(name: keyof typeof import('./page.ts'), ...args: unknown[]): Promise<unknown> {
    return page.evaluate(`Page.${name}(...${JSON.stringify(args)})`)
  }

  function accessOf({ gateway }: typeof listed, apiKey = gateway.secret): Access {
    return { baseURL: `${gateway.url}/v1`, apiKey }
  }

  it('gets a completion, with its request id and the key’s remaining requests', async () => {
    const { secret } = await listed.gateway.issueKey({ limits: { requestsPerMinute: 10 } })
    const { tag } = listed.prepare(jsonAnswer(COMPLETION))
    expect(await run('create', accessOf(listed, secret), tag)).toEqual({
      content: expect.stringContaining('thermodynamics'),
      requestId: expect.stringMatching(/^req_[0-9A-Za-z]{32}$/),
      remaining: '9',
    })
  })

  it('reads a stream to its end', async () => {
    const { tag } = listed.prepare(streamAnswer(STREAM))
    const events = STREAM.toString().match(/^data: \{/gm) ?? []
    expect(await run('stream', accessOf(listed), tag)).toMatchObject({ count: events.length })
  })

  it('cancels the upstream call when it stops reading a stream', async () => {
    async function* forever() {
      for (;;) {
        yield STREAM.toString().split(/(?<=\n\n)/)[0] ?? ''
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const { tag } = listed.prepare(streamAnswer(forever()))
    expect(await run('stream', accessOf(listed), tag, 1)).toMatchObject({ count: 1 })
    expect((await (await listed.upstream.call(tag)).ended).by).toBe('caller')
  })

  it('can read why a request was refused', async () => {
    expect(await run('refusal', accessOf(listed, 'wrong'))).toEqual({
      name: 'answer',
      status: 401,
      code: 'invalid_api_key',
      requestID: expect.stringMatching(/^req_/),
    })
  })

  it('gets a connection error when its origin is not listed', async () => {
    expect(await run('refusal', accessOf(unlisted))).toMatchObject({ name: 'no connection' })
  })
})
