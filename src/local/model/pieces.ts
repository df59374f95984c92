/** Splits an answer into the pieces of a stream, pads them, and makes words for a script. */

import { randomText, type Random } from './seeded-random.ts'

/** JSON has few spaces to split at. The model's tokens are about this long in JSON. */
export const JSON_PIECE_CHARACTERS = 6

/** The longest padding of a chunk. The upstream pads chunks to hide the length of their text. */
export const OBFUSCATION_CHARACTERS_MAX = 16

const WORDS = (
  'the a river stone light morning quiet answer line small green window paper road cloud number simple ' +
  'table garden slow bright seven machine letter open north yellow house under winter almost'
).split(' ')

/** Words with the white space before them. Joined, they are the text. */
export function wordPieces(text: string): string[] {
  return text.match(/\s*\S+(?:\s+$)?|\s+$/gu) ?? []
}

/** Short runs of characters. Joined, they are the text. */
export function jsonPieces(text: string): string[] {
  return text.match(new RegExp(`.{1,${JSON_PIECE_CHARACTERS}}`, 'gsu')) ?? []
}

/** A text of exactly `count` words. */
export function scriptedWords(random: Random, count: number): string {
  return Array.from({ length: count }, () => WORDS[Math.floor(random() * WORDS.length)] ?? 'word').join(' ')
}

/** The padding of one chunk. */
export function obfuscation(random: Random): string {
  return randomText(random, 1 + Math.floor(random() * OBFUSCATION_CHARACTERS_MAX))
}
