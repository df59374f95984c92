/** What differs between the streams of the two APIs: how the usage is come by, and how a break is told. */
import type { ErrorBody } from '../failure.ts'
import { field } from '../wire/field.ts'
import type { Meter } from './meter.ts'
import { ResponseMeter } from './response-meter.ts'
import { StreamMeter } from './chat-meter.ts'

export interface StreamFormat {
  /** Asks for the usage in `inputs`, where it does not come unasked. */
  meter(inputs: Record<string, unknown>): Meter
  /** The event that ends a broken stream after so many others, without the empty line behind it. */
  breakEvent(body: ErrorBody, events: number): string
}

export const chatStream: StreamFormat = {
  /** Has the event with the usage left out again where the caller had not asked for it. */
  meter(inputs) {
    const options = inputs['stream_options']
    inputs['stream_options'] = { ...(typeof options === 'object' ? options : null), include_usage: true }
    return new StreamMeter(field(options, 'include_usage') !== true)
  },
  breakEvent: (body) => `data: ${JSON.stringify(body)}`,
}

export const responseStream: StreamFormat = {
  meter: () => new ResponseMeter(),
  /**
   * The reference documents the fields flat (`ResponseErrorEvent`), and the API sends them in `error`: the Python SDK
   * raises only on that, the .NET one reads only the other. The number is 0 where nobody has counted.
   */
  breakEvent({ error }, events) {
    const data = { ...error, type: 'error', sequence_number: events, error }
    return `event: error\ndata: ${JSON.stringify(data)}`
  },
}
