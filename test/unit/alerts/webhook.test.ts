/** Which addresses a webhook may have. */
import { expect, it } from 'vitest'
import { parseAddress } from '../../../src/alerts/webhook.ts'

it.each([
  ['https://hooks.example/services/x?y=1', true],
  ['  https://hooks.example/x\n', true],
  ['http://localhost:9000/x', true],
  ['http://127.0.0.1/x', true],
  ['http://[::1]:80/x', true],
  ['http://hooks.example/x', false],
  ['http://localhost.example/x', false],
  ['https://user@hooks.example/x', false],
  ['https://:word@hooks.example/x', false],
  ['ftp://localhost/x', false],
  ['javascript:alert(1)', false],
  ['hooks.example', false],
  ['', false],
  [42, false],
  [undefined, false],
])('takes https, and http on this machine alone: %j', (text, isTaken) => {
  expect(parseAddress(text) !== null).toBe(isTaken)
})
