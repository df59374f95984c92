/** The context of a route behind `validateJson`. */
import type { Context } from 'hono'
import type * as z from 'zod/mini'
import type { Gateway } from '../context.ts'

export type WithBody<Schema extends z.ZodMiniType> = Context<
  Gateway,
  string,
  { in: { json: unknown }; out: { json: z.output<Schema> } }
>
