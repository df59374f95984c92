/** What an error answer means for the operator, and what to run. */
import * as z from 'zod/mini'
import type { Answer } from './deployment.ts'
import { Finding, LOG, RETRY_OR_LOG, shown } from './finding.ts'

const envelope = z.object({
  error: z.object({ message: z.string(), code: z.nullable(z.string()) }),
})

/** By the error's code. The codes are those of `src/render-failure.ts` and `src/upstream/failures.ts`. */
const ADVICE: Readonly<Record<string, string>> = {
  admin_off: 'Set a token of at least 32 characters: npx wrangler secret put ADMIN_TOKEN',
  invalid_admin_token:
    'Set ADMIN_TOKEN to the token of this deployment, or replace that one: npx wrangler secret put ADMIN_TOKEN. On your machine, `npm run dev` prints the token.',
  misconfigured: 'Correct the var in wrangler.toml, then: npm run deploy',
  keys_unavailable: `KV or Durable Objects do not answer. Run this again in a minute. If it stays, the log has the reason: ${LOG}`,
  model_not_found:
    'Set in wrangler.toml: MODELS = \'{"o3-mini":"openai/gpt-6-luna"}\' (or another model). Then: npm run deploy',
  insufficient_quota:
    'Load credit for AI Gateway in the Cloudflare dashboard, or raise its spend limit. Then run this again.',
  model_not_reachable: 'Start the simulator with `npm run dev`, or the real model with `npm run dev:remote`.',
  rate_limit_exceeded: 'Run this again in a minute.',
  overloaded: 'Run this again in a minute.',
}

/** The finding for an answer that is not the expected one. */
export function findingOf({ status, text, contentType, location }: Answer): Finding {
  if (status >= 300 && status < 400) {
    return new Finding(
      `a redirect (${status}) to ${shown(location ?? 'nowhere')}`,
      'Give the address that the redirect leads to. Behind Cloudflare Access, let the API pass.',
    )
  }
  const parsed = envelope.safeParse(jsonOf(text))
  if (!parsed.success) {
    const form = contentType === '' ? 'no content type' : shown(contentType)
    return new Finding(
      `${status} with ${form}, which is no answer of this gateway`,
      'Check the address: `npm run deploy` prints it.',
    )
  }
  const { message, code } = parsed.data.error
  return new Finding(
    `${[status, code].filter((part) => part !== null).join(' ')}: ${shown(message)}`,
    adviceFor(status, code),
  )
}

function adviceFor(status: number, code: string | null): string {
  const known = code === null ? undefined : ADVICE[code]
  if (known !== undefined) return known
  if (status === 500) {
    return `Check the var AI_GATEWAY_ID in wrangler.toml and that gateway in the dashboard. The log has the reason: ${LOG}`
  }
  return RETRY_OR_LOG
}

/** The parsed JSON; undefined for a text that is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
