import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, expect, test } from '@jest/globals'
import { loadConfig, settingNames } from '../../src/config.ts'
import { useService } from '../support/service.ts'
import { INSTALL_TIMEOUT_MS, ROOT, run, usePlace } from './support.ts'

const FOLDER = path.join(ROOT, 'docs/kubernetes')
/** Kubernetes' own schemas, compiled. */
const PACKAGES = ['kubernetes-models@5.1.0', 'yaml@2.9.1']

/** Prints each manifest and what the schemas say about it. */
const VALIDATE = `
  import { readFileSync } from 'node:fs'
  import { parseAllDocuments } from 'yaml'
  const documents = process.argv.slice(2).flatMap(file => parseAllDocuments(readFileSync(file, 'utf8')))
  const checked = []
  for (const document of documents) {
    if (document.errors.length > 0) throw document.errors[0]
    const manifest = document.toJS()
    const models = await import('kubernetes-models/' + manifest.apiVersion)
    let problem = null
    try {
      new models[manifest.kind](manifest).validate()
    } catch (error) {
      problem = error.message
    }
    checked.push({ manifest, problem })
  }
  console.log(JSON.stringify(checked))`

// biome-ignore lint/suspicious/noExplicitAny: a manifest is what its file says, and the schemas check it.
type Checked = { manifest: any; problem: string | null }

const service = useService()
const place = usePlace('authograph-kubernetes-')
const manifests = new Map<string, Checked['manifest']>()
let checked: Checked[]

async function check(...files: string[]): Promise<Checked[]> {
  return JSON.parse(await run(place(), 'node', 'validate.mjs', ...files)) as Checked[]
}

beforeAll(async () => {
  await writeFile(path.join(place(), 'package.json'), '{"private":true}')
  await run(place(), 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', ...PACKAGES)
  await writeFile(path.join(place(), 'validate.mjs'), VALIDATE)
  const files = readdirSync(FOLDER).filter(file => file !== 'kustomization.yaml')
  checked = await check(...files.map(file => path.join(FOLDER, file)))
  for (const { manifest } of checked) manifests.set(manifest.kind, manifest)
}, INSTALL_TIMEOUT_MS)

test('every manifest fits the schema of its kind', () => {
  expect(checked.length).toBeGreaterThan(5)
  expect(checked.filter(({ problem }) => problem)).toEqual([])
})

test('a manifest with a wrong type or without a required field does not', async () => {
  const wrong = path.join(place(), 'wrong.yaml')
  await writeFile(wrong, 'apiVersion: apps/v1\nkind: Deployment\nspec:\n  replicas: two\n')
  expect(await check(wrong)).toEqual([expect.objectContaining({ problem: expect.any(String) })])
})

test('kustomization.yaml lists every manifest', async () => {
  const text = await run(FOLDER, 'cat', 'kustomization.yaml')
  const listed = [...text.matchAll(/^ {2}- ([\w-]+\.yaml)$/gm)].map(([, file]) => file)
  expect(listed.sort()).toEqual(
    readdirSync(FOLDER)
      .filter(file => file !== 'kustomization.yaml')
      .sort(),
  )
})

test('the server accepts the settings, in production', () => {
  const { data } = manifests.get('ConfigMap')
  expect(Object.keys(data).filter(name => !settingNames.includes(name))).toEqual([])
  const secrets = {
    AUTHOGRAPH_SECRET: 'a secret that only the tests may know',
    DATABASE_URL: 'postgresql://authograph@db.example.com/authograph',
    SMTP_URL: 'smtps://smtp.example.com',
  }
  const config = loadConfig({ NODE_ENV: 'production', ...data, ...secrets })
  expect(config).toMatchObject({ hashing: { concurrency: 2 }, web: { enabled: true } })
})

test('services, policies and budgets select the replicas, and name their port', () => {
  const { spec } = manifests.get('Deployment')
  const { labels } = spec.template.metadata
  const selectors = [
    spec.selector.matchLabels,
    manifests.get('Service').spec.selector,
    manifests.get('PodDisruptionBudget').spec.selector.matchLabels,
    manifests.get('NetworkPolicy').spec.podSelector.matchLabels,
    spec.template.spec.topologySpreadConstraints[0].labelSelector.matchLabels,
  ]
  for (const selector of selectors) expect(selector).toEqual(labels)
  const [container] = spec.template.spec.containers
  const [port] = container.ports
  expect(manifests.get('Service').spec.ports[0].targetPort).toBe(port.name)
  expect(manifests.get('NetworkPolicy').spec.ingress[0].ports[0].port).toBe(port.name)
  const [{ http }] = manifests.get('Ingress').spec.rules
  expect(http.paths[0].backend.service).toEqual({
    name: manifests.get('Service').metadata.name,
    port: { name: manifests.get('Service').spec.ports[0].name },
  })
  const names = container.envFrom.map(
    (from: Record<string, { name: string }>) => Object.values(from)[0]?.name,
  )
  expect(names).toEqual([manifests.get('ConfigMap').metadata.name, 'authograph'])
})

test('every probe asks a path that the server answers', async () => {
  const [container] = manifests.get('Deployment').spec.template.spec.containers
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
    const { path: asked } = container[probe].httpGet
    expect([probe, (await fetch(service.url + asked)).status]).toEqual([probe, 200])
  }
})
