/** The reasoning effort that a model takes in the place of another. */

/** From the least to the most. */
const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']

/**
 * The nearest effort of those that the model takes, and the higher of two that are as near. `efforts` is `null` where the
 * model's are not known, and an unknown effort stays as it is: the model then judges it. `undefined` where it takes none.
 */
export function nearestEffort(effort: string, efforts: readonly string[] | null): string | undefined {
  const wanted = EFFORTS.indexOf(effort)
  if (efforts === null || wanted === -1) return effort
  const byDistance = EFFORTS.toReversed().filter((name) => efforts.includes(name))
  const distance = (name: string): number => Math.abs(EFFORTS.indexOf(name) - wanted)
  return byDistance.toSorted((left, right) => distance(left) - distance(right))[0]
}
