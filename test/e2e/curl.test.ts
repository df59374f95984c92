/** curl works as the README shows it, and its common mistakes get a helpful answer. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, inject, it } from 'vitest'

const run = promisify(execFile)
const url = inject('gatewayUrl')
const KEY = 'Authorization: Bearer sk-gw-LocalOffline-ForThisMachineOnlyNotSecret0xan2N'
const JSON_TYPE = 'Content-Type: application/json'
const ADMIN = 'Authorization: Bearer local-admin-token-for-this-machine-only'

async function curl(...options: string[]): Promise<string> {
  return (await run('curl', ['-sS', '--max-time', '20', ...options])).stdout
}

describe('curl', () => {
  it('gets a completion', async () => {
    const body =
      '{"model": "o3-mini", "messages": [{"role": "user", "content": "What are the three laws of thermodynamics?"}]}'
    const answer: { choices: { message: { content: string } }[] } = JSON.parse(
      await curl(`${url}/v1/chat/completions`, '-H', KEY, '-H', JSON_TYPE, '-d', body),
    )
    expect(answer.choices[0]?.message.content).toContain('entropy')
  })

  it('-N shows the first chunk before the stream ends', async () => {
    const body =
      '{"model": "o3-mini", "stream": true, "messages": [{"role": "user", "content": "Hi"}], "simulate": {"thinkMs": 0, "hang": 2}}'
    const failed = await run('curl', [
      '-sN',
      '--max-time',
      '2',
      `${url}/v1/chat/completions`,
      '-H',
      KEY,
      '-H',
      JSON_TYPE,
      '-d',
      body,
    ]).catch((error: { stdout: string; code: number }) => error)
    // 28 is curl's time-out: the stream was still open after its first chunks.
    expect(failed).toMatchObject({ code: 28, stdout: expect.stringMatching(/^data: \{"id":/) })
  })

  it('-d without a content type gets an error that says what to add', async () => {
    const answer = await curl(
      `${url}/v1/chat/completions`,
      '-H',
      KEY,
      '-d',
      '{"model": "o3-mini", "messages": []}',
    )
    expect(JSON.parse(answer)).toMatchObject({
      error: { message: expect.stringContaining("-H 'Content-Type: application/json'") },
    })
  })

  it('--compressed gets an uncompressed stream', async () => {
    const body =
      '{"model": "o3-mini", "stream": true, "messages": [{"role": "user", "content": "Hi"}], "simulate": {"chunks": 3}}'
    const answer = await curl(
      '-i',
      '--compressed',
      `${url}/v1/chat/completions`,
      '-H',
      KEY,
      '-H',
      JSON_TYPE,
      '-d',
      body,
    )
    expect(answer).not.toMatch(/content-encoding: (gzip|br|zstd)/i)
    expect(answer).toContain('data: [DONE]')
  })

  it('creates a key as the operator, and the key works', async () => {
    const created: { secret: string } = JSON.parse(
      await curl(`${url}/admin/keys`, '-H', ADMIN, '-H', JSON_TYPE, '-d', '{"name": "alice"}'),
    )
    const models = await curl(`${url}/v1/models`, '-H', `Authorization: Bearer ${created.secret}`)
    expect(JSON.parse(models)).toMatchObject({ object: 'list' })
  })

  it('gets a 413 for a chunked upload above the limit', async () => {
    const status = await run('sh', [
      '-c',
      `head -c 5000000 /dev/zero | curl -sS -o /dev/null -w '%{http_code}' -H 'Transfer-Encoding: chunked' -H '${JSON_TYPE}' -H '${KEY}' --data-binary @- ${url}/v1/chat/completions`,
    ])
    expect(status.stdout).toBe('413')
  })

  it('gets a 401 for a chunked upload without a key, and the next request over the connection works', async () => {
    const status = await run('sh', [
      '-c',
      `head -c 5000000 /dev/zero | curl -sS -m 20 -o /dev/null -w '%{http_code}\n' -H 'Transfer-Encoding: chunked' -H '${JSON_TYPE}' --data-binary @- ${url}/v1/chat/completions --next -sS -m 20 -o /dev/null -w '%{http_code}\n' -H '${KEY}' ${url}/v1/models`,
    ])
    expect(status.stdout).toBe('401\n200\n')
  })
})
