/** An empty Worker: its cost is that of starting an isolate. */
export { Directory, KeyAccount } from './objects.ts'

export default {
  fetch(): Response {
    return new Response('ok')
  },
}
