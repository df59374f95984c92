/** `npm run doctor` finds nothing wrong with a good gateway, keeps its token to itself, and leaves no key behind. */
import { afterEach, describe, expect, inject, it } from 'vitest'
import { ADMIN_TOKEN, closeServers, runDoctor, serve, serveInFront } from '../support/node/doctor.ts'

const url = inject('gatewayUrl')
afterEach(closeServers)

async function expectNoKey(output: string): Promise<void> {
  const id = /made the key (\w{12})/.exec(output)?.[1]
  const answer = await fetch(`${url}/admin/keys/${id}`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  expect(await answer.text()).toContain('"key_not_found"')
}

describe('with a good gateway', () => {
  it('passes every check, deletes its key and prints no secret', async () => {
    const { code, output } = await runDoctor([`${url}/v1`])
    const names = ['health', 'admin token', 'directory', 'KV', 'account', 'call', 'stream', 'limits']
    for (const name of [...names, 'key deleted', 'old secret'])
      expect(output).toMatch(new RegExp(`^ok +${name} `, 'm'))
    expect(output).toMatch(/first byte after \d+ ms/)
    expect([code, output.trimEnd().endsWith('10 ok, 0 wrong')]).toEqual([0, true])
    expect(output).not.toMatch(/sk-gw-|local-admin-token/)
    await expectNoKey(output)
  })

  it('deletes its key when it is stopped in a call', async () => {
    const hanging = await serveInFront(url, (path) => path === '/v1/chat/completions')
    let isStopped = false
    const { code, output } = await runDoctor([hanging], ADMIN_TOKEN, (soFar, kill) => {
      if (isStopped || !/^ok +account/m.test(soFar)) return
      isStopped = true
      kill('SIGINT')
    })
    expect(code).toBe(130)
    expect(output).toMatch(/^ok +key deleted/m)
    await expectNoKey(output)
  })

  it('refuses a wrong token and says how to set one', async () => {
    const { code, output } = await runDoctor([url], 'a-wrong-token-of-thirty-two-characters')
    expect(code).toBe(1)
    expect(output).toMatch(
      /^WRONG +admin token +401 invalid_admin_token.*\n.*wrangler secret put ADMIN_TOKEN/m,
    )
    expect(output).toContain(
      'not checked: directory, KV, account, call, stream, limits, key deleted, old secret',
    )
    expect(output).not.toContain('a-wrong-token')
  })

  it('says how to give the token where there is none, and calls nothing', async () => {
    let calls = 0
    const counting = await serve((_, response) => {
      calls += 1
      response.end()
    })
    const { code, output } = await runDoctor([counting], null)
    expect([code, calls]).toEqual([1, 0])
    expect(output).toContain('read -rs ADMIN_TOKEN && export ADMIN_TOKEN')
  })

  it('prints nothing of a token that no header takes', async () => {
    const { code, output } = await runDoctor([url], 'half-a-token\nother-half')
    expect([code, output.includes('Copy it again')]).toEqual([1, true])
    expect(output).not.toMatch(/half/)
  })

  it('takes no token as an argument', async () => {
    const { code, output } = await runDoctor([url, 'a-token'], null)
    expect([code, output.includes('Usage: npm run doctor -- https://')]).toEqual([1, true])
  })
})

describe('with a wrong address', () => {
  it('sends no token over http to another machine', async () => {
    const { code, output } = await runDoctor(['http://gateway.example'])
    expect([code, output.includes('Use https://')]).toEqual([1, true])
  })

  it('says that nothing listens', async () => {
    const gone = await serve(() => {})
    closeServers()
    const { code, output } = await runDoctor([gone])
    expect(code).toBe(1)
    expect(output).toMatch(/^WRONG +health +no connection: ECONNREFUSED/m)
  })

  it('says that a page is no gateway, and sends it no token', async () => {
    const authorizations: unknown[] = []
    const page = await serve(({ headers }, response) => {
      authorizations.push(headers.authorization)
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html><title>Hello</title></html>')
    })
    const { code, output } = await runDoctor([page])
    expect(code).toBe(1)
    expect(output).toMatch(/^WRONG +health +200 with text\/html, which is no answer of this gateway/m)
    expect(authorizations).toEqual([undefined])
  })

  it('does not follow a redirect with the token', async () => {
    const front = await serveInFront(url, (path, response) => {
      if (path === '/health') return false
      response.writeHead(302, { location: 'https://login.example/' }).end()
      return true
    })
    const { code, output } = await runDoctor([front])
    expect(code).toBe(1)
    expect(output).toMatch(/^WRONG +admin token +a redirect \(302\) to https:\/\/login\.example\//m)
  })
})
