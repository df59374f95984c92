/** The model behind o3-mini in this project: `test/vitest.config.ts` runs the suites of the APIs with several. */
import { modelOverrides, modelTable } from '../../src/models/table.ts'
import type { Format } from '../../src/models/model.ts'
import { env } from './gateway.ts'

const { MODELS: moves } = env
const overrides: unknown = typeof moves === 'string' ? JSON.parse(moves) : {}
const model = modelTable(modelOverrides.parse(overrides)).get('o3-mini')

export const SLUG = model?.slug ?? ''

/** Whether the model takes this format. Promises about bytes hold only where nothing is translated. */
export const takes = (format: Format): boolean => model?.formats.includes(format) ?? false

/** A response has five more events before its first text than a chat completion has. */
export const MORE_EVENTS_THAN_CHAT = takes('chat') ? 0 : 5
