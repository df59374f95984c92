/** The headers of an answer. Most of them tell of the operator's account, so the gateway must not pass them on. */

/** Cloudflare's headers: log entry, request and cache. Every call gets new ids. */
export function cloudflareHeaders(): Headers {
  const ray = crypto.randomUUID().replaceAll('-', '').slice(0, 16)
  return new Headers({
    'cf-aig-cache-status': 'MISS',
    'cf-aig-log-id': crypto.randomUUID(),
    'cf-ai-req-id': crypto.randomUUID(),
    'cf-ray': `${ray}-SIM`,
    server: 'cloudflare',
  })
}

/** Cloudflare's headers and the vendor's. The vendor tells its customer, the operator, about the account. */
export function vendorHeaders(processingMs: number): Headers {
  const headers = cloudflareHeaders()
  const vendor: Record<string, string> = {
    'openai-organization': 'org-simulator',
    'openai-processing-ms': String(processingMs),
    'openai-project': 'proj_simulator',
    'openai-version': '2020-10-01',
    'x-envoy-upstream-service-time': String(processingMs + 3),
    'x-ratelimit-limit-requests': '30000',
    'x-ratelimit-limit-tokens': '150000000',
    'x-ratelimit-remaining-requests': '29999',
    'x-ratelimit-remaining-tokens': '149999983',
    'x-ratelimit-reset-requests': '2ms',
    'x-ratelimit-reset-tokens': '0s',
    'x-request-id': `req_${crypto.randomUUID().replaceAll('-', '')}`,
  }
  for (const [name, value] of Object.entries(vendor)) headers.set(name, value)
  headers.append(
    'set-cookie',
    '__cf_bm=simulated; path=/; domain=.api.openai.com; HttpOnly; Secure; SameSite=None',
  )
  headers.append(
    'set-cookie',
    '_cfuvid=simulated; path=/; domain=.api.openai.com; HttpOnly; Secure; SameSite=None',
  )
  return headers
}
