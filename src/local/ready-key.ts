/** The key of the offline gateway: fixed, so that the README can print it. Production has no such record. */
import { isolateOf } from '../isolate.ts'
import { hashSecret } from '../keys/secret.ts'

const LOCAL_KEY_ID = 'LocalOffline'
export const LOCAL_SECRET = `sk-gw-${LOCAL_KEY_ID}-ForThisMachineOnlyNotSecret0xan2N`

/** Once an isolate: who has changed or deleted the key since finds it so until the next start. */
let seeded = false

/** Makes the key where it is not there yet; limits that were set on it stay over a restart. */
export async function seedLocalKey(kv: KVNamespace): Promise<void> {
  if (seeded) return
  if ((await isolateOf(kv).keys.read(LOCAL_KEY_ID)) === null) {
    const now = new Date()
    const key = {
      id: LOCAL_KEY_ID,
      name: 'local',
      createdAt: now.toISOString(),
      expiresAt: null,
      disabled: false,
      limits: {},
      secretSha256: await hashSecret(LOCAL_SECRET),
      previous: null,
    }
    await isolateOf(kv).keys.write(key, now.getTime())
  }
  seeded = true
}
