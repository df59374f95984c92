/** An empty Worker: its cost is that of starting an isolate. */
export default {
  fetch(): Response {
    return new Response('ok')
  },
}
