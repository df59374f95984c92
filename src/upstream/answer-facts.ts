/** What AI Gateway's headers say of an answer: https://developers.cloudflare.com/ai-gateway/ */

export interface AnswerFacts {
  /** The call's entry in AI Gateway's log; `null` where the answer names none. */
  logId: string | null
  /** `HIT` for an answer from AI Gateway's cache, which costs nothing; `null` where the answer does not say. */
  cacheStatus: string | null
}

export function answerFactsOf({ headers }: Pick<Response, 'headers'>): AnswerFacts {
  return { logId: headers.get('cf-aig-log-id'), cacheStatus: headers.get('cf-aig-cache-status') }
}
