/** The files that the button "Deploy to Cloudflare" reads. Its rules: https://developers.cloudflare.com/workers/platform/deploy-buttons/ */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { unstable_readConfig } from 'wrangler'

const CONFIG_PATH = 'wrangler.toml'

/** The fields of a configuration that the tests read. Wrangler's own type of it cannot be resolved. */
interface Config {
  name: string
  main: string
  vars: Record<string, unknown>
  ai: { binding: string }
  kv_namespaces: { binding: string; id?: string }[]
  durable_objects: { bindings: { name: string; class_name: string }[] }
  migrations: { new_sqlite_classes?: string[] }[]
  services?: { service: string }[]
}

interface Package {
  scripts: Record<string, string>
  cloudflare: { bindings: Record<string, { description: string }> }
}
const { scripts, cloudflare } = JSON.parse(readFileSync('package.json', 'utf8')) as Package

/** `env` is empty for the top level. */
function readConfig(env: string, path = CONFIG_PATH): Config {
  return unstable_readConfig({ config: path, env }) as Config
}

it('finds production at the top level, with storage that it can create', () => {
  const config = readConfig('')
  expect(config.main).toMatch(/src\/index\.ts$/)
  expect(config.kv_namespaces).toEqual([{ binding: 'KV' }])
  const classes = config.durable_objects.bindings.map(({ class_name }) => class_name)
  expect(config.migrations.flatMap(({ new_sqlite_classes = [] }) => new_sqlite_classes)).toEqual(classes)
  // A binding to another Worker is nothing that it can create.
  expect([config.services ?? [], config.vars]).toEqual([[], {}])
})

it('asks for the admin token alone, without an example that someone could keep', () => {
  expect(readFileSync('.dev.vars.example', 'utf8')).toBe('ADMIN_TOKEN=\n')
})

it('describes the secret and each binding', () => {
  const { ai, kv_namespaces, durable_objects } = readConfig('')
  const names = [
    'ADMIN_TOKEN',
    ai.binding,
    ...kv_namespaces.map(({ binding }) => binding),
    ...durable_objects.bindings.map(({ name }) => name),
  ]
  expect(Object.keys(cloudflare.bindings)).toEqual(names)
})

it('deploys with the project’s own script, which builds the pages first', () => {
  expect(scripts['deploy']).toBe('wrangler deploy --env=""')
  expect(scripts['predeploy']).toContain('build:console')
})

it('leaves `npm run dev` working where the Worker gets another name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'renamed-'))
  try {
    const config = join(folder, 'wrangler.toml')
    const text = readFileSync(CONFIG_PATH, 'utf8')
    writeFileSync(config, text.replace(/^name = .*$/m, 'name = "renamed"'))
    expect(readConfig('', config).name).toBe('renamed')
    const { name, services } = readConfig('local', config)
    expect(services?.map(({ service }) => service)).toEqual([name])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
