/**
 * The offline worker: the same app, a simulator in the place of the model, and a key that is ready at the first request.
 * It is the `main` of `[env.local]` alone, and `npm run check:ship` proves that none of it is in the production bundle.
 */
import type { Bindings } from '../accounts/objects.ts'
import gateway from '../index.ts'
import { LOCAL_SECRET, seedLocalKey } from './ready-key.ts'

export { Directory, KeyAccount } from '../index.ts'
export { Simulator } from './simulator.ts'

// oxlint-disable-next-line no-console -- printed once at start, for the person at this terminal
console.log(`
  o3-mini gateway, offline: the model is simulated, and so is its bill.

    base URL     http://localhost:8787/v1
    API key      ${LOCAL_SECRET}
    admin token  local-admin-token-for-this-machine-only
`)

export default {
  async fetch(request, env, context) {
    await seedLocalKey(env)
    return gateway.fetch(request, env, context)
  },
  scheduled: gateway.scheduled,
} satisfies ExportedHandler<Bindings>
