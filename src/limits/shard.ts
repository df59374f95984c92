/** One isolate's counts of one key, as it publishes them. The isolate is the only writer of its shard. */

/** The measure of a limit over a rolling minute. */
export type Measure = 'requests' | 'tokens'

export const MEASURES: readonly Measure[] = ['requests', 'tokens']

/** The counts of one measure over the 60 s before the publication. */
export interface Counts {
  readonly admitted: number
  readonly offered: number
}

export interface Shard {
  readonly isolateId: string
  /** Grows with every publication. A reader tells a renewed shard from a known shard by it. */
  readonly seq: number
  /** The time of the counts, by the clock of their isolate, ms since 1970. */
  readonly timeMs: number
  /**
   * While traffic continues, the isolate publishes again within this time. A shard that is older is late. 0 marks a sample of
   * a quiet isolate: it is not renewed, and `offered` is the demand that the sample stands for.
   */
  readonly renewWithinSeconds: number
  readonly requests: Counts
  readonly tokens: Counts
}

/** Whether the shard is a sample, not the counts of the last 60 s. */
export function isSample({ renewWithinSeconds }: Shard): boolean {
  return renewWithinSeconds === 0
}
