/**
 * The offline worker: the same app with a simulator in the model's place, and with a key that works at the first request.
 * Only `[env.local]` has it as its `main`. `npm run check:ship` proves that the production bundle contains none of it.
 */
import type { Bindings } from '../accounts/objects.ts'
import gateway, { KeyAccount as ProductionAccount } from '../index.ts'
import { localBinding, type SimulatorService } from './binding.ts'
import { LOCAL_SECRET, seedLocalKey } from './ready-key.ts'

export { Directory } from '../index.ts'
export { Simulator } from './simulator.ts'

interface LocalWorkerEnv extends Omit<Bindings, 'AI'> {
  AI: SimulatorService
}

// oxlint-disable-next-line no-console -- printed once at the start, for the person at this terminal
console.log(`
  o3-mini gateway, offline: the model is simulated, and so is its bill.

    base URL     http://localhost:8787/v1
    API key      ${LOCAL_SECRET}
    admin token  local-admin-token-for-this-machine-only
    console      http://localhost:8787/console

  OpenAI shut o3-mini down on 2026-10-23. To move on: MODELS='{"o3-mini":"openai/gpt-6-luna"}' (README: When o3-mini ends).
`)

/** The gateway parses its vars once for each `env` object, so the object must stay the same between requests. */
const gatewayEnvs = new WeakMap<LocalWorkerEnv, Bindings>()

/** An account reads AI Gateway's log, so it gets the binding whose errors cross RPC as values. */
export class KeyAccount extends ProductionAccount {
  constructor(context: DurableObjectState, env: LocalWorkerEnv) {
    super(context, gatewayEnvOf(env))
  }
}

export default {
  async fetch(request, env, context) {
    await seedLocalKey(gatewayEnvOf(env))
    return gateway.fetch(request, gatewayEnvOf(env), context)
  },
} satisfies ExportedHandler<LocalWorkerEnv>

function gatewayEnvOf(env: LocalWorkerEnv): Bindings {
  const known = gatewayEnvs.get(env)
  if (known !== undefined) return known
  const made = { ...env, AI: localBinding(env.AI) }
  gatewayEnvs.set(env, made)
  return made
}
