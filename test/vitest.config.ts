/**
 * Five kinds of projects: `worker` runs inside workerd (unit, api and hostile input), and so does `alerts`, with a webhook. The
 * suites of the two APIs run there again with o3-mini moved to models that take other formats (`chat-only`, `responses-only`,
 * `both-formats`). `contract` runs in Node against the production
 * build with the runtime's own AI binding. `e2e` runs in Node against `wrangler dev`.
 */
import { fileURLToPath } from 'node:url'
import { cloudflareTest } from '@cloudflare/vitest-pool-workers'
import { kCurrentWorker } from 'miniflare'
import { defineConfig } from 'vitest/config'
import { buildConsole } from '../src/console/build.ts'
import { WEBHOOK_SECRET } from './support/webhook.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

// Wrangler refuses to start without the folder of `[assets]`.
await buildConsole()

/** `npm run fuzz` sets the mode `fuzz`: many cases with a new seed. Other runs use few cases and a fixed seed. */
const fuzzOf = (mode: string) => ({
  cases: Number(process.env['FUZZ_CASES'] ?? (mode === 'fuzz' ? 200_000 : 5_000)),
  seed: Number(process.env['FUZZ_SEED'] ?? (mode === 'fuzz' ? Date.now() % 2 ** 31 : 20_261_123)),
})

/** The offline worker in the test pool, with vars of its own. */
const offlineWorker = (vars: Record<string, string> = {}) => ({
  remoteBindings: false,
  wrangler: { configPath: './wrangler.toml', environment: 'local' },
  miniflare: {
    // Wrangler would look up the other worker by its name. In the pool it is the current worker.
    serviceBindings: { AI: { name: kCurrentWorker, entrypoint: 'Simulator' } },
    bindings: vars,
  },
})

/** The suites that a caller's request goes through, whatever model serves it. */
const API_SUITES = ['chat-completions', 'responses', 'streams', 'errors', 'every-end', 'budget', 'limits']

/** A project in which o3-mini is another model, with o3-mini's figures. */
const movedTo = (name: string, slug: string, suites: readonly string[] = API_SUITES) => {
  const usdPerMillionTokens = { input: 1.1, cachedInput: 0.55, cacheWrite: 1.1, output: 4.4 }
  const refusedParameters = ['max_tokens', 'temperature', 'top_p', 'top_logprobs']
  const row = {
    slug,
    contextTokens: 200_000,
    outputTokensMax: 100_000,
    usdPerMillionTokens,
    refusedParameters,
  }
  return {
    root,
    plugins: [cloudflareTest(offlineWorker({ MODELS: JSON.stringify({ 'o3-mini': row }) }))],
    test: { name, include: suites.map((suite) => `test/api/${suite}.test.ts`) },
  }
}

export default defineConfig(({ mode }) => ({
  root,
  test: {
    // Vitest's default is one on a machine with two cores. Most of a run waits for timers and child processes.
    maxWorkers: 2,
    // An object whose alarm or call starts while its file ends cannot load its module any more. No test waits for it.
    onUnhandledError: ({ name, message }) =>
      !(name === 'EnvironmentTeardownError' && message.includes('Closing rpc while "resolve" was pending')),
    projects: [
      movedTo('chat-only', 'openai/gpt-5.1-chat'),
      movedTo('responses-only', 'openai/gpt-5.6-luna'),
      // It takes most requests as they are, so what metering and limits do with translations is shown above.
      movedTo('both-formats', 'openai/gpt-6-luna', ['chat-completions', 'responses']),
      {
        root,
        plugins: [cloudflareTest(offlineWorker())],
        test: {
          name: 'worker',
          include: ['test/unit/**/*.test.ts', 'test/api/**/*.test.ts', 'test/hostile/worker/*.test.ts'],
          provide: { fuzz: fuzzOf(mode) },
        },
      },
      {
        root,
        plugins: [
          cloudflareTest(({ inject }) =>
            offlineWorker({
              ALERT_WEBHOOK_URL: `${inject('webhookOrigin')}/hook`,
              ALERT_WEBHOOK_SECRET: WEBHOOK_SECRET,
            }),
          ),
        ],
        test: {
          name: 'alerts',
          include: ['test/alerts/*.test.ts'],
          // They share one webhook.
          fileParallelism: false,
          globalSetup: './test/support/node/webhook-setup.ts',
        },
      },
      {
        root,
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts', 'test/hostile/node/*.test.ts'],
          globalSetup: './test/contract/global-setup.ts',
          provide: { fuzz: fuzzOf(mode) },
        },
      },
      {
        root,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: './test/e2e/global-setup.ts',
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
}))
