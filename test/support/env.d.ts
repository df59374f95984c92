import type { Env } from '../../src/config.ts'
import type { Call, Cancellation } from '../../src/local/call-log.ts'

declare global {
  namespace Cloudflare {
    interface Env extends GatewayEnv {}
    interface GlobalProps {
      mainModule: typeof import('../../src/local/worker.ts')
    }
  }
}

/** In tests the binding is the simulator, which also reports its calls and cancellations. */
interface GatewayEnv extends Omit<Env, 'AI'> {
  AI: Env['AI'] & { calls(): Promise<Call[]>; cancellations(): Promise<Cancellation[]> }
}
