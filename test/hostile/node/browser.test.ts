/** CORS as a browser means it: a page of another origin, the official SDK, Chromium, and what ships. */
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
  if (process.env['CI'] === 'true') throw new Error('no Chromium on the PATH')
  process.stderr.write('Skips the test of a page in a browser: there is no Chromium on the PATH.\n')
}

const site = createServer((_request, response) =>
  response.setHeader('content-type', 'text/html').end('<!doctype html><title>A page</title>'),
).listen(0, '127.0.0.1')
await once(site, 'listening')
// A name and not the address, so that it is another origin than the gateway's in every way.
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

  /** Calls an export of `page.ts`, there. */
  function run(name: keyof typeof import('./page.ts'), ...args: unknown[]): Promise<unknown> {
    return page.evaluate(`Page.${name}(...${JSON.stringify(args)})`)
  }

  function accessOf({ gateway }: typeof listed, apiKey = gateway.secret): Access {
    return { baseURL: `${gateway.url}/v1`, apiKey }
  }

  it('gets a completion, with its id and where its key stands', async () => {
    const { secret } = await listed.gateway.issueKey({ limits: { requestsPerMinute: 10 } })
    const { tag } = listed.prepare(jsonAnswer(COMPLETION))
    expect(await run('create', accessOf(listed, secret), tag)).toEqual({
      content: expect.stringContaining('thermodynamics'),
      requestId: expect.stringMatching(/^req_[0-9a-f]{32}$/),
      remaining: '9',
    })
  })

  it('gets a stream to its end', async () => {
    const { tag } = listed.prepare(streamAnswer(STREAM))
    const events = STREAM.toString().match(/^data: \{/gm) ?? []
    expect(await run('stream', accessOf(listed), tag)).toMatchObject({ count: events.length })
  })

  it('leaves a stream, and the model stops', async () => {
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

  it('can read why it was refused', async () => {
    expect(await run('refusal', accessOf(listed, 'wrong'))).toEqual({
      name: 'answer',
      status: 401,
      code: 'invalid_api_key',
      requestID: expect.stringMatching(/^req_/),
    })
  })

  it('gets nothing where its origin is not listed', async () => {
    expect(await run('refusal', accessOf(unlisted))).toMatchObject({ name: 'no connection' })
  })
})
