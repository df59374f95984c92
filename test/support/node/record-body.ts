/** A `fetch` for an SDK's client that also records the bytes of the answer's body as the client reads them. */
export function recordBody(): { fetch: typeof fetch; text(): string } {
  const decoder = new TextDecoder()
  let text = ''
  return {
    async fetch(input, init) {
      const response = await fetch(input, init)
      const recorder = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          text += decoder.decode(chunk, { stream: true })
          controller.enqueue(chunk)
        },
      })
      return new Response(response.body?.pipeThrough(recorder) ?? null, response)
    },
    text: () => text,
  }
}
