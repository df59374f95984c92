/** The Worker that `npm run deploy` uploads. */
import { app } from './app.ts'
import type { Bindings } from './accounts/objects.ts'

export { Directory } from './accounts/directory.ts'
export { KeyAccount } from './accounts/key-account.ts'

export default {
  fetch: app.fetch,
} satisfies ExportedHandler<Bindings>
