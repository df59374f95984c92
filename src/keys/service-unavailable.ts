/** The failure that a caller gets when a store cannot be reached. */
import { GatewayError, type UnavailableFailure } from '../failure.ts'
import { causeOf, log } from '../log.ts'

/**
 * The result of the work. A GatewayError that the work throws passes unchanged.
 *
 * @throws GatewayError of that kind where the work fails for another reason. The log has that reason.
 */
export async function orServiceUnavailable<T>(
  work: T | Promise<T>,
  kind: UnavailableFailure['kind'],
): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof GatewayError) throw error
    log({ event: 'trouble', what: 'kv', cause: causeOf(error) })
    throw new GatewayError({ kind })
  }
}
