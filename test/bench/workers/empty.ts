/** Nothing at all: what it costs to start an isolate. */
export default {
  fetch(): Response {
    return new Response('ok')
  },
}
