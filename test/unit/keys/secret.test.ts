import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LOCAL_SECRET } from '../../../src/local/ready-key.ts'
import { createSecret, equalHashes, hashSecret, keyIdOf, maskSecret } from '../../../src/keys/secret.ts'

describe('a secret', () => {
  it('contains its key id, and is unique', () => {
    const secrets = Array.from({ length: 500 }, () => createSecret())
    for (const { id, secret } of secrets) {
      expect(secret).toMatch(/^sk-gw-[0-9A-Za-z]{12}-[0-9A-Za-z]{33}$/)
      expect(keyIdOf(secret)).toBe(id)
    }
    expect(new Set(secrets.map(({ secret }) => secret)).size).toBe(500)
  })

  it('can be created for an existing key id', () => {
    const { id, secret } = createSecret('AAAAbbbb0000')
    expect([id, keyIdOf(secret)]).toEqual(['AAAAbbbb0000', 'AAAAbbbb0000'])
  })

  it('is recognized as mistyped when any one character changes', () => {
    const { secret } = createSecret()
    fc.assert(
      fc.property(
        fc.nat(secret.length - 1),
        fc.constantFrom('0', 'a', 'Z', '-', '_', ' ', 'é'),
        (at, other) => {
          const mistyped = secret.slice(0, at) + other + secret.slice(at + 1)
          expect(keyIdOf(mistyped)).toBe(mistyped === secret ? secret.slice(6, 18) : null)
        },
      ),
    )
  })

  it('of the offline gateway has a valid format', () => {
    expect(keyIdOf(LOCAL_SECRET)).toBe('LocalOffline')
  })

  it('is hashed with SHA-256', async () => {
    expect(await hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(equalHashes(await hashSecret('abc'), await hashSecret('abc'))).toBe(true)
    expect(equalHashes(await hashSecret('abc'), await hashSecret('abd'))).toBe(false)
    expect(equalHashes('abc', 'abcd')).toBe(false)
  })

  it('is masked in errors to at most 16 printable characters', () => {
    expect(maskSecret('sk-gw-ABCDEFGHIJKL-secret-part-wxyz')).toBe('sk-gw-AB****wxyz')
    expect(maskSecret('short')).toBe('*****')
    expect(maskSecret('')).toBe('')
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        expect(maskSecret(text)).toMatch(/^[\x21-\x7e]{0,16}$/)
      }),
    )
  })
})
