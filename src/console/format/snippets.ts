/** Programs that use a key, ready to run. */

export interface Snippet {
  name: string
  text: string
}

/** `baseUrl` ends with `/v1`. */
export function snippetsFor(baseUrl: string, secret: string): Snippet[] {
  return [
    {
      name: 'curl',
      text: `curl ${baseUrl}/chat/completions \\
  -H 'Authorization: Bearer ${secret}' \\
  -H 'Content-Type: application/json' \\
  -d '{"model": "o3-mini", "messages": [{"role": "user", "content": "Hello!"}]}'`,
    },
    {
      name: 'Python',
      text: `# pip install openai
from openai import OpenAI

client = OpenAI(base_url="${baseUrl}", api_key="${secret}")
completion = client.chat.completions.create(
    model="o3-mini",
    messages=[{"role": "user", "content": "Hello!"}],
)
print(completion.choices[0].message.content)`,
    },
    {
      name: 'Node',
      text: `// npm install openai
import OpenAI from 'openai'

const client = new OpenAI({ baseURL: '${baseUrl}', apiKey: '${secret}' })
const completion = await client.chat.completions.create({
  model: 'o3-mini',
  messages: [{ role: 'user', content: 'Hello!' }],
})
console.log(completion.choices[0].message.content)`,
    },
    {
      name: 'AI SDK',
      text: `// npm install ai @ai-sdk/openai
import { createOpenAI } from '@ai-sdk/openai'
import { generateText } from 'ai'

const gateway = createOpenAI({ baseURL: '${baseUrl}', apiKey: '${secret}' })
const { text } = await generateText({ model: gateway.chat('o3-mini'), prompt: 'Hello!' })
console.log(text)`,
    },
    {
      name: 'Codex',
      text: `# ~/.codex/config.toml
model = "o3-mini"
model_provider = "gateway"
web_search = "disabled"

[model_providers.gateway]
name = "o3-mini gateway"
base_url = "${baseUrl}"
env_key = "GATEWAY_KEY"
wire_api = "responses"

# Then, in a terminal:
# export GATEWAY_KEY='${secret}'
# codex`,
    },
  ]
}

/** The same request as curl. The secret stays out of it. */
export function curlOf(url: string, body: object): string {
  // In single quotes, a shell takes everything as it is but the quote itself.
  const json = JSON.stringify(body, null, 2).replaceAll("'", String.raw`'\''`)
  return `curl -N ${url} \\
  -H "Authorization: Bearer $GATEWAY_KEY" \\
  -H 'Content-Type: application/json' \\
  -d '${json}'`
}
