/**
 * Secrets: the bearer strings that clients send. This file makes, checks, hashes, compares and masks them.
 *
 * Form: `sk-gw-<id>-<random><checksum>`. The id (12 characters) is public and safe in logs; the random part holds
 * 160 bits; the checksum (CRC32 of all before it) rejects a mistyped or made-up secret without a read of KV.
 */

import { ALPHABET, randomBase62 } from './base62.ts'

const PREFIX = 'sk-gw-'

export const KEY_ID_LENGTH = 12
/** 27 characters of base62 hold 160.7 bits. */
export const RANDOM_LENGTH = 27
/** 62^6 is the first power of 62 above 2^32. */
export const CHECKSUM_LENGTH = 6

const SECRET_FORM = new RegExp(
  `^${PREFIX}([0-9A-Za-z]{${KEY_ID_LENGTH}})-[0-9A-Za-z]{${RANDOM_LENGTH + CHECKSUM_LENGTH}}$`,
)

export const KEY_ID_FORM = new RegExp(`^[0-9A-Za-z]{${KEY_ID_LENGTH}}$`)

/** Makes a new secret. An `id` makes another secret for an existing key (rotation). */
export function createSecret(id: string = randomBase62(KEY_ID_LENGTH)): { id: string; secret: string } {
  const body = `${PREFIX}${id}-${randomBase62(RANDOM_LENGTH)}`
  return { id, secret: body + checksum(body) }
}

/** The key id inside a well-formed secret; `null` where the form or the checksum is wrong. */
export function keyIdOf(secret: string): string | null {
  const id = SECRET_FORM.exec(secret)?.[1]
  if (id === undefined) return null
  const body = secret.slice(0, -CHECKSUM_LENGTH)
  return secret.endsWith(checksum(body)) ? id : null
}

/** The token of `Authorization: Bearer …`; `null` where there is none. The scheme's case does not matter (RFC 9110). */
export function bearerToken(header: string | undefined): string | null {
  return /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1] ?? null
}

/** SHA-256 in hex, which is all that is stored of a secret. 160 random bits need no salt and no slow hash. */
export async function hashSecret(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', encoder.encode(secret))
  return new Uint8Array(digest).toHex()
}

/** Compares two hashes in a time that does not depend on where they differ. */
export function equalHashes(left: string, right: string): boolean {
  let difference = left.length ^ right.length
  // Bytes for `timingSafeEqual` would cost more than the loop, whose steps are the same for all hashes.
  for (let at = 0; at < left.length; at++) difference |= left.charCodeAt(at) ^ right.charCodeAt(at)
  return difference === 0
}

/** A refused secret, masked for an error message: its owner can recognise it, and others cannot use it. */
export function maskSecret(secret: string): string {
  if (secret.length < 16) return '*'.repeat(Math.min(secret.length, 8))
  return `${printable(secret.slice(0, 8))}****${printable(secret.slice(-4))}`
}

const encoder = new TextEncoder()

function checksum(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    digits = ALPHABET.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

/** CRC-32 (IEEE 802.3) of ASCII text. Bit by bit: 0.5 µs for a secret, and no table to build at start. */
function crc32(text: string): number {
  let crc = 0xffffffff
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}

function printable(text: string): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '*')
}
