/** The offline gateway's key. It is fixed, so that the README can print it. Production has no such record. */
import type { Bindings } from '../accounts/objects.ts'
import { isolateOf } from '../isolate.ts'
import { hashSecret } from '../keys/secret.ts'

const LOCAL_KEY_ID = 'LocalOffline'
export const LOCAL_SECRET = `sk-gw-${LOCAL_KEY_ID}-ForThisMachineOnlyNotSecret0xan2N`

/** The key is made once for each isolate. A change or a deletion by the operator stays over a restart. */
let seeded = false

/** Creates the key through its account, as the operator's route does, if there is none. */
export async function seedLocalKey(env: Bindings): Promise<void> {
  if (seeded) return
  const { accounts, keys } = isolateOf(env)
  const now = new Date()
  // A record that version 0.1 left in KV is found by this read, and stays.
  let reading = await accounts.read(LOCAL_KEY_ID)
  if (reading.kind === 'absent') {
    const answer = await accounts.create({
      id: LOCAL_KEY_ID,
      name: 'local',
      createdAt: now.toISOString(),
      expiresAt: null,
      disabled: false,
      limits: {},
      secretSha256: await hashSecret(LOCAL_SECRET),
      previous: null,
    })
    reading = answer.kind === 'created' ? { kind: 'found', key: answer.key } : answer
  }
  keys.remember(LOCAL_KEY_ID, reading, now.getTime())
  seeded = reading.kind !== 'unavailable'
}
