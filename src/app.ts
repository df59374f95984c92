/** The whole gateway: every path and its stages, in their order. */
// The smallest preset: forty routes need no compiled router, and an isolate starts sooner without one.
import { Hono } from 'hono/tiny'
import type { Gateway } from './context.ts'
import { authenticateOperator } from './admin/authenticate.ts'
import { createKey, deleteKey, getKey, listKeys, rotateKey, updateKey } from './admin/keys.ts'
import { keyCreation, keyRotation, keyUpdate } from './admin/requests.ts'
import { showAllUsage, showKeyUsage } from './admin/usage.ts'
import { RememberingRouter } from './cached-router.ts'
import { adapt } from './stages/prepare-inputs.ts'
import { authenticate } from './stages/authenticate.ts'
import { limitBody, requireJson } from './stages/body.ts'
import { complete } from './stages/complete.ts'
import { cors } from './stages/cors.ts'
import { fail, failMethod, failNotStored, failUnknownUrl } from './stages/fail.ts'
import { limit } from './stages/admit.ts'
import { getModel, listModels } from './stages/list-models.ts'
import { showUsage } from './stages/show-usage.ts'
import { configure, trace } from './stages/trace.ts'
import { resolveModel, validateJson } from './stages/validate.ts'
import { chatStream, responseStream } from './streams/stream-format.ts'
import { chatCompletionRequest } from './apis/chat-completions-schema.ts'
import { responsesRequest } from './apis/responses-schema.ts'

export const app = new Hono<Gateway>()
app.router = new RememberingRouter()

app.use(trace(), configure())
app.use('/v1/*', cors())

app.get('/health', (c) => c.json({ status: 'ok' }))
app.all('/health', failMethod('GET'))

app.post(
  '/v1/chat/completions',
  limitBody(),
  authenticate(),
  requireJson(),
  validateJson(chatCompletionRequest),
  resolveModel(),
  adapt(),
  limit(),
  complete(chatStream),
)
app.all('/v1/chat/completions', failMethod('POST'))

app.post(
  '/v1/responses',
  limitBody(),
  authenticate(),
  requireJson(),
  validateJson(responsesRequest),
  resolveModel(),
  adapt(),
  limit(),
  complete(responseStream),
)
app.all('/v1/responses', failMethod('POST'))
app.on(['GET', 'DELETE'], '/v1/responses/:id{resp_\\w+}', authenticate(), failNotStored)
app.all('/v1/responses/:id{resp_\\w+}', failMethod('GET, DELETE'))
app.post('/v1/responses/:id/cancel', authenticate(), failNotStored)
app.all('/v1/responses/:id/cancel', failMethod('POST'))
app.get('/v1/responses/:id/input_items', authenticate(), failNotStored)
app.all('/v1/responses/:id/input_items', failMethod('GET'))

app.get('/v1/models', authenticate(), listModels)
app.all('/v1/models', failMethod('GET'))
app.get('/v1/models/:id{.+}', authenticate(), getModel)
app.all('/v1/models/:id{.+}', failMethod('GET'))

app.get('/v1/usage', authenticate(), showUsage)
app.all('/v1/usage', failMethod('GET'))

app.use('/admin/*', limitBody(), authenticateOperator())
app.get('/admin/keys', listKeys)
app.post('/admin/keys', requireJson(), validateJson(keyCreation), createKey)
app.all('/admin/keys', failMethod('GET, POST'))
app.get('/admin/keys/:id', getKey)
app.patch('/admin/keys/:id', requireJson(), validateJson(keyUpdate), updateKey)
app.delete('/admin/keys/:id', deleteKey)
app.all('/admin/keys/:id', failMethod('GET, PATCH, DELETE'))
app.post('/admin/keys/:id/rotate', requireJson({ unlessEmpty: true }), validateJson(keyRotation), rotateKey)
app.all('/admin/keys/:id/rotate', failMethod('POST'))
app.get('/admin/keys/:id/usage', showKeyUsage)
app.all('/admin/keys/:id/usage', failMethod('GET'))
app.get('/admin/usage', showAllUsage)
app.all('/admin/usage', failMethod('GET'))

app.notFound(failUnknownUrl)
app.onError(fail)
