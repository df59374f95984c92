/** The model behind o3-mini in this project: `test/vitest.config.ts` runs the suites of the APIs with several. */
import { it } from 'vitest'
import { modelOverrides, modelTable } from '../../src/models/table.ts'
import type { Format } from '../../src/models/model.ts'
import { env } from './gateway.ts'

const moved = modelTable(modelOverrides.parse(JSON.parse(String(env.MODELS ?? '{}')))).get('o3-mini')

export const SLUG = moved?.slug ?? ''

/** Whether the model takes this format, so that nothing is translated. */
export const takes = (format: Format): boolean => moved?.formats.includes(format) ?? false

/** A test of a promise that holds only where nothing is translated. */
export const nativeIt = (format: Format) => it.runIf(takes(format))

/** A response has five more events before its first text than a chat completion has. */
export const MORE_EVENTS_THAN_CHAT = takes('chat') ? 0 : 5
