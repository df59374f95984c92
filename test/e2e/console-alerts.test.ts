/** The console's button for a test alert, in Chromium: it says what the webhook answered, and what to do. */
import { describe, expect, it } from 'vitest'
import { expectSound, hasNoBrowser, signIn, useBrowser } from '../support/node/console-page.ts'

const DELIVERED = { state: 'delivered', status: 200, ms: 123, signed: true }
const FAILED = {
  state: 'failed',
  status: 500,
  ms: 7,
  signed: false,
  reason: 'the endpoint answered 500',
  action: 'Alerts are retried for a day.',
}

describe.skipIf(hasNoBrowser)('the test alert', { timeout: 60_000 }, () => {
  const openPage = useBrowser()

  it('says what to run where no webhook is set, what the webhook answered, and why it failed', async () => {
    const { page, problems } = await openPage('/console', { width: 320 })
    await signIn(page)
    const health = page.getByRole('region', { name: 'Health', exact: true })
    const button = health.getByRole('button', { name: 'Send a test alert' })
    await button.click()
    await health.getByText('Run: npx wrangler secret put ALERT_WEBHOOK_URL').waitFor()
    await expectSound(page)
    for (const [answer, words] of [
      [DELIVERED, 'The webhook answered in 123 ms. The alert was signed.'],
      [FAILED, 'the endpoint answered 500'],
    ] as const) {
      await page.route('**/admin/alerts/test', (route) => route.fulfill({ json: answer }))
      await button.click()
      await health.getByText(words).waitFor()
      await expectSound(page)
      await page.unroute('**/admin/alerts/test')
    }
    expect(problems).toEqual([])
  })
})
