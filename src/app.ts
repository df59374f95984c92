/** The whole gateway: every path and its stages, in their order. */
// The imports stand in the order of the table, since the bundle keeps it and compresses better with related code together.
// The preset without a router, since the gateway brings its own.
import { HonoBase as Hono } from 'hono/hono-base'
import type { Gateway } from './context.ts'
import { CachedRouter } from './cached-router.ts'
import { chatCompletions } from './apis/chat-completions.ts'
import { responses } from './apis/responses.ts'
import { configure, trace } from './stages/trace.ts'
import { drainBody, readJson } from './stages/body.ts'
import { cors } from './stages/cors.ts'
import { authenticate } from './stages/authenticate.ts'
import { validateJson } from './stages/validate.ts'
import { resolveModel } from './stages/resolve-model.ts'
import { guardAccount } from './stages/guard-account.ts'
import { prepareInputs } from './stages/prepare-inputs.ts'
import { admit, refuseOverLimits } from './stages/admit.ts'
import { noteUpstream } from './stages/note-upstream.ts'
import { complete } from './stages/complete.ts'
import { fail, failNotStored, failUnmatched } from './stages/fail.ts'
import { getModel, listModels } from './stages/list-models.ts'
import { showUsage } from './stages/show-usage.ts'
import { showRequests } from './stages/show-requests.ts'
import { authenticateOperator } from './admin/authenticate.ts'
import { createKey, deleteKey, getKey, listKeys, rotateKey, updateKey } from './admin/keys.ts'
import { createGroup, deleteGroup, getGroup, listGroups, updateGroup } from './admin/groups.ts'
import { groupCreation, groupUpdate, keyCreation, keyRotation, keyUpdate } from './admin/requests.ts'
import { showAllUsage, showGroupUsage, showKeyUsage } from './admin/usage.ts'
import { getRequest, listMinutes, listRequests } from './admin/history.ts'
import { listAllModels } from './admin/models.ts'
import { showHealth } from './admin/health.ts'
import { showMetrics } from './admin/metrics.ts'
import { testAlert } from './admin/test-alert.ts'
import { rebuildDirectory } from './admin/rebuild-directory.ts'

export const app = new Hono<Gateway>({ router: new CachedRouter() })

app.use(trace(), configure(), drainBody())
app.use('/v1/*', cors())

app.get('/health', (c) => c.json({ status: 'ok' }))

app.post(
  '/v1/chat/completions',
  authenticate(),
  refuseOverLimits(),
  readJson(),
  validateJson(chatCompletions.schema),
  resolveModel(),
  guardAccount(),
  prepareInputs(chatCompletions),
  admit(chatCompletions),
  noteUpstream(),
  complete(chatCompletions),
)

app.post(
  '/v1/responses',
  authenticate(),
  refuseOverLimits(),
  readJson(),
  validateJson(responses.schema),
  resolveModel(),
  guardAccount(),
  prepareInputs(responses),
  admit(responses),
  noteUpstream(),
  complete(responses),
)
app.on(['GET', 'DELETE'], '/v1/responses/:id{resp_\\w+}', authenticate(), failNotStored)
app.post('/v1/responses/:id/cancel', authenticate(), failNotStored)
app.get('/v1/responses/:id/input_items', authenticate(), failNotStored)

app.get('/v1/models', authenticate(), listModels)
app.get('/v1/models/:id{.+}', authenticate(), getModel)

app.get('/v1/usage', authenticate(), showUsage)
app.get('/v1/usage/requests', authenticate(), showRequests)

app.use('/admin/*', authenticateOperator())
app.get('/admin/keys', listKeys)
app.post('/admin/keys', readJson(), validateJson(keyCreation), createKey)
app.get('/admin/keys/:id', getKey)
app.patch('/admin/keys/:id', readJson(), validateJson(keyUpdate), updateKey)
app.delete('/admin/keys/:id', deleteKey)
app.post('/admin/keys/:id/rotate', readJson({ unlessEmpty: true }), validateJson(keyRotation), rotateKey)
app.get('/admin/keys/:id/usage', showKeyUsage)
app.get('/admin/keys/:id/requests', listRequests)
app.get('/admin/keys/:id/minutes', listMinutes)
app.get('/admin/groups', listGroups)
app.post('/admin/groups', readJson(), validateJson(groupCreation), createGroup)
app.get('/admin/groups/:id', getGroup)
app.patch('/admin/groups/:id', readJson(), validateJson(groupUpdate), updateGroup)
app.delete('/admin/groups/:id', deleteGroup)
app.get('/admin/groups/:id/usage', showGroupUsage)
app.get('/admin/requests/:id', getRequest)
app.get('/admin/usage', showAllUsage)
app.get('/admin/models', listAllModels)
app.get('/admin/health', showHealth)
app.get('/admin/metrics', showMetrics)
app.post('/admin/alerts/test', testAlert)
app.post('/admin/directory/rebuild', rebuildDirectory)

app.notFound(failUnmatched(app))
app.onError(fail)
