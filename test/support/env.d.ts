import type { Env } from '../../src/env.ts'
import type { Call, Cancellation } from '../../src/local/call-log.ts'

declare global {
  namespace Cloudflare {
    interface Env extends GatewayEnv {}
    interface GlobalProps {
      mainModule: typeof import('../../src/local/worker.ts')
    }
  }
}

/** In tests the binding is the simulator, which can also be asked what it saw. */
interface GatewayEnv extends Omit<Env, 'AI'> {
  AI: Env['AI'] & { calls(): Promise<Call[]>; cancellations(): Promise<Cancellation[]> }
}
