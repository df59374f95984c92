import type { Bindings } from '../../src/accounts/objects.ts'
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
interface GatewayEnv extends Omit<Bindings, 'AI'> {
  AI: Bindings['AI'] & { calls(): Promise<Call[]>; cancellations(): Promise<Cancellation[]> }
}
