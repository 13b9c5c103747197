import { type ChildProcess, spawn } from 'node:child_process'
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { newRole, signIn, signUp, signUpWith } from '../support/actors.ts'
import { eventually } from '../support/eventually.ts'
import { useService } from '../support/service.ts'
import { environment, freePort, INSTALL_TIMEOUT_MS, pack, ROOT, run, usePlace } from './support.ts'

const service = useService({
  settings: { TOKEN_CLAIMS: 'permissions' },
  server: { permissions: ['notes:read', 'notes:history'] },
})
const place = usePlace('authograph-verify-examples-')
let tarball: string

beforeAll(async () => {
  await pack('verify', place())
  const packed = (await readdir(place())).find(file => file.endsWith('.tgz'))
  tarball = `file:${path.join(place(), String(packed))}`
}, INSTALL_TIMEOUT_MS)

const running: ChildProcess[] = []
afterAll(() => {
  // The servers run as children of npm.
  for (const { pid } of running) if (pid) process.kill(-pid)
})

/** Installs, builds and starts an example as its reader would, and returns its address. */
async function startExample(name: string): Promise<string> {
  const folder = path.join(place(), name)
  await cp(path.join(ROOT, 'docs/examples', name), folder, { recursive: true })
  const file = path.join(folder, 'package.json')
  const manifest = JSON.parse(await readFile(file, 'utf8')) as {
    scripts: Record<string, string>
    dependencies: Record<string, string>
  }
  manifest.dependencies['authograph-verify'] = tarball
  await writeFile(file, JSON.stringify(manifest))
  await run(folder, 'npm', 'install', '--no-audit', '--no-fund')
  if (manifest.scripts.build) await run(folder, 'npm', 'run', 'build')
  const PORT = `${await freePort()}`
  const AUTH_JWKS_URL = `${service.url}/.well-known/jwks.json`
  const env = { ...environment(), PORT, AUTH_JWKS_URL, NODE_ENV: 'production' }
  running.push(spawn('npm', ['start'], { cwd: folder, env, stdio: 'ignore', detached: true }))
  const url = `http://localhost:${PORT}`
  const answers = () =>
    fetch(url).then(
      () => true,
      () => false,
    )
  await eventually(answers, 60)
  return url
}

type Refusal = { errors: { extensions: { code: string; reason?: string } }[] }

async function get(url: string, token?: string, method = 'GET'): Promise<[status: number, body: unknown]> {
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {}
  const response = await fetch(url, { headers, method })
  const text = await response.text()
  return [response.status, /^[{[]/.test(text) ? JSON.parse(text) : text]
}

async function tokenWith(...permissions: string[]): Promise<string> {
  const { email } = await signUpWith(service, await newRole(service, ...permissions))
  return (await signIn(service, email)).accessToken
}

describe.each(['verify-express', 'verify-nest'])('the example %s', name => {
  test(
    'shows users their notes, holders of the permission all notes, and others nothing',
    async () => {
      const url = await startExample(name)
      const [status, body] = await get(`${url}/notes`)
      expect([status, (body as Refusal).errors[0]?.extensions]).toEqual([
        401,
        { code: 'UNAUTHENTICATED', reason: 'MISSING' },
      ])
      const { accessToken, id } = await signUp(service)
      expect(await get(`${url}/notes`, accessToken)).toEqual([200, [`Note of ${id}`]])
      const [denied, why] = await get(`${url}/notes/all`, accessToken)
      expect([denied, (why as Refusal).errors[0]?.extensions.code]).toEqual([403, 'FORBIDDEN'])
      const all = await get(`${url}/notes/all`, await tokenWith('notes:read'))
      expect(all).toEqual([200, ['Note of everyone']])
      if (name === 'verify-express') {
        const [refused, challenge] = await get(`${url}/notes`, accessToken, 'DELETE')
        const { extensions } = (challenge as Refusal).errors[0] ?? {}
        expect([refused, extensions?.code]).toEqual([401, 'STEP_UP_REQUIRED'])
      }
    },
    INSTALL_TIMEOUT_MS,
  )
})

test(
  'the example verify-apollo guards an operation and a single field',
  async () => {
    const url = await startExample('verify-apollo')
    const ask = async (query: string, token?: string) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify({ query }),
      })
      return (await response.json()) as { data: unknown } & Partial<Refusal>
    }
    expect((await ask('{ notes { text } }')).errors?.[0]?.extensions).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'MISSING',
    })
    const { accessToken, id } = await signUp(service)
    expect(await ask('{ notes { text history } }', accessToken)).toMatchObject({
      data: { notes: [{ text: `Note of ${id}`, history: null }] },
      errors: [{ path: ['notes', 0, 'history'], extensions: { code: 'FORBIDDEN' } }],
    })
    const reader = await tokenWith('notes:history')
    expect((await ask('{ notes { history } }', reader)).data).toEqual({ notes: [{ history: ['Draft'] }] })
  },
  INSTALL_TIMEOUT_MS,
)
