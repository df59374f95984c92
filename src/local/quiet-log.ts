/**
 * Keeps two of the runtime's errors out of the terminal of `npm run dev`. Node loads this file before wrangler.
 *
 * The runtime prints them, with a stack of its own, when a client closes its connection. The gateway's log has such a
 * request in one line. Any other text passes unchanged.
 */
import { stripVTControlCharacters } from 'node:util'

/** A write to a socket that the client has closed, and a body that the client has not sent to its end. */
const CLOSED_BY_CLIENT =
  /kj::getCaughtExceptionAsKj\(\) = kj\/async-io-unix\S+ disconnected: ::write\(.*(Broken pipe|reset by peer)|Uncaught Error: Network connection lost\./

for (const stream of [process.stdout, process.stderr]) {
  const { write } = stream
  Object.assign(stream, {
    write(...args: unknown[]): boolean {
      const [chunk] = args
      const isDropped = typeof chunk === 'string' && CLOSED_BY_CLIENT.test(stripVTControlCharacters(chunk))
      return isDropped || Boolean(Reflect.apply(write, stream, args))
    },
  })
}
