/** What the soak's attacks have in common: their keys, their plans, and what the gateway may answer. */
import { isBusy, type Key, type Service } from './soak-clients.ts'
import type { Kind, Plan } from './soak-upstream.ts'

/** The keys of the hostile holders. All share one address, from which strangers guess too. */
export interface Loot {
  /** Its answers are complete, so that its books are exact. */
  holder: Key
  /** Its clients leave at any time. */
  leaver: Key
  /** It may send five requests a minute. */
  limited: Key
  /** It has a small budget. */
  spender: Key
}

export type Attack = (service: Service, loot: Loot) => Promise<void>

export function drawPlan({ random }: Service, kind: Kind): Plan {
  return { kind, promptTokens: Math.ceil(random() * 900), completionTokens: Math.ceil(random() * 60) }
}

/** An answer of another status must be a documented 503. An error must be OpenAI's envelope. */
export async function expectRefusal(
  service: Service,
  response: Response,
  statuses: readonly number[],
): Promise<void> {
  const text = await response.text()
  if (isBusy(response, text)) service.count('hostile 503')
  else if (!statuses.includes(response.status))
    throw new Error(`${response.status} and not ${statuses.join(' or ')}: ${text.slice(0, 300)}`)
  if (response.headers.get('content-type') !== 'application/json') throw new Error('an answer is no JSON')
  if (response.status >= 400 && !text.startsWith('{"error":{"message":"'))
    throw new Error(`no envelope: ${text.slice(0, 300)}`)
}

/** The text of a served answer; `null` where the gateway was busy. */
export async function expectServed(service: Service, response: Response): Promise<string | null> {
  const text = await response.text()
  if (isBusy(response, text)) {
    service.count('hostile 503')
    return null
  }
  if (response.status !== 200) throw new Error(`${response.status}: ${text.slice(0, 300)}`)
  return text
}

/** A model that thinks after its first event is not silent. */
export function expectComments(text: string): void {
  if (!/(^|\n\n): keep-alive\n\n/.test(text)) throw new Error('no comment came while the model was thinking')
}
