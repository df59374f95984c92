/** The operator's list of models: what each public name stands for, when it ends, and what can replace it. */
import type { Context } from 'hono'
import type { Gateway } from '../context.ts'
import { SUCCESSORS } from '../models/catalog.ts'
import { shownOther } from '../models/price-as.ts'

/** `GET /admin/models`. `shutdownDate` is the day that the vendor has announced, or `null`. */
export function listAllModels(c: Context<Gateway>): Response {
  const data = Array.from(c.get('config').models.values(), (model) => {
    const { id, configuredAs, shutdownDate } = model
    const { slug, usdPerMillionTokens } = shownOther(model)
    return { id, slug, configuredAs, shutdownDate, usdPerMillionTokens }
  })
  return c.json({ data, successors: SUCCESSORS })
}
