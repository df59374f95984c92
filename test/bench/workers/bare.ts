/** The bare Worker: it calls the model and returns the raw answer. It has no key, no check, no limit and no log. */
interface Env {
  AI: { run(model: string, inputs: unknown, options: object): Promise<Response> }
}

export { Directory, KeyAccount } from './objects.ts'

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const inputs: unknown = await request.json()
    return env.AI.run('openai/o3-mini', inputs, { returnRawResponse: true, gateway: { id: 'default' } })
  },
}
