/** Checks the body against a schema and keeps it as the caller sent it; every failure is OpenAI's 400. */
import { zValidator } from '@hono/zod-validator'
import { createMiddleware } from 'hono/factory'
import * as z from 'zod/mini'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import type { ChatCompletionRequest } from '../wire/chat-completion-request.ts'
import { explain, FIRST_ISSUE_ONLY } from '../wire/parameter-failure.ts'

/**
 * The body as JSON that fits `schema`. What later stages get is the parsed body itself, not zod's copy of it: fields
 * that the schema does not know stay where they are.
 *
 * @throws GatewayError `invalid_parameter` with the path of the first thing that is wrong.
 */
export function validateJson<Schema extends z.ZodMiniType>(schema: Schema) {
  return zValidator('json', schema, undefined, {
    validationFunction: (_schema, value: unknown) => {
      const result = z.safeParse(schema, value, FIRST_ISSUE_ONLY)
      if (!result.success) throw new GatewayError(explain(result.error.issues, value))
      return { success: true, data: value }
    },
  })
}

/**
 * Finds the model that the body names.
 *
 * @throws GatewayError `model_not_found`.
 */
export function resolveModel() {
  return createMiddleware<Gateway, string, { in: { json: unknown }; out: { json: ChatCompletionRequest } }>(
    async function resolveModel(c, next) {
      const { model: id } = c.req.valid('json')
      const model = c.get('config').models.get(id)
      if (model === undefined) throw new GatewayError({ kind: 'model_not_found', model: id })
      c.set('model', model)
      c.get('log').model = model.id
      await next()
    },
  )
}
