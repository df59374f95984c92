/** The floor: the least that a Worker can do with the model. No key, no check, no limit, no log, and whatever comes back. */
interface Env {
  AI: { run(model: string, inputs: unknown, options: object): Promise<Response> }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const inputs: unknown = await request.json()
    return env.AI.run('openai/o3-mini', inputs, { returnRawResponse: true, gateway: { id: 'default' } })
  },
}
