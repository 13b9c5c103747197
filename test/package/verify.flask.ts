import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { newRole, signIn, signUp, signUpWith } from '../support/actors.ts'
import { eventually } from '../support/eventually.ts'
import { forge } from '../support/forge.ts'
import { useService } from '../support/service.ts'
import { snippetsIn } from '../support/snippets.ts'
import { freePort, ROOT } from './support.ts'

/** A Python with the packages of the example's requirements.txt. */
const PYTHON = process.env.PYTHON ?? 'python3'
const FOLDER = path.join(ROOT, 'docs/examples/verify-flask')

const service = useService({
  settings: { TOKEN_CLAIMS: 'permissions' },
  server: { permissions: ['notes:read'] },
})
const running: ReturnType<typeof spawn>[] = []
afterAll(() => {
  for (const child of running) child.kill()
})

/** Starts the example, and returns its address. */
async function startExample(file: string, jwksUrl = `${service.url}/.well-known/jwks.json`): Promise<string> {
  const port = await freePort()
  const env = { ...process.env, PORT: `${port}`, AUTH_JWKS_URL: jwksUrl, PYTHONDONTWRITEBYTECODE: '1' }
  running.push(spawn(PYTHON, [file], { cwd: FOLDER, env, stdio: ['ignore', 'ignore', 'ignore'] }))
  const url = `http://127.0.0.1:${port}`
  const answers = () =>
    fetch(url).then(
      () => true,
      () => false,
    )
  await eventually(answers, 30)
  return url
}

async function get(url: string, token?: string): Promise<[status: number, body: unknown]> {
  const response = await fetch(url, { headers: token ? { authorization: `Bearer ${token}` } : {} })
  const text = await response.text()
  return [response.status, /^[{[]/.test(text) ? JSON.parse(text) : text]
}

const refused = (code: string, reason?: string) => ({
  errors: [{ message: code, extensions: { code, ...(reason && { reason }) } }],
})

describe.each([
  ['Flask-Login', 'app.py'],
  ['Flask-JWT-Extended', 'jwt_extended.py'],
])('the example for %s', (_name, file) => {
  test('shows users their notes, holders of the permission all notes, and others nothing', async () => {
    const url = await startExample(file)
    expect(await get(`${url}/notes`)).toEqual([401, refused('UNAUTHENTICATED', 'MISSING')])
    const { accessToken, id } = await signUp(service)
    expect(await get(`${url}/notes`, accessToken)).toEqual([200, [`Note of ${id}`]])
    expect(await get(`${url}/notes/all`, accessToken)).toEqual([403, refused('FORBIDDEN')])
    const { email } = await signUpWith(service, await newRole(service, 'notes:read'))
    const reader = await signIn(service, email)
    expect(await get(`${url}/notes/all`, reader.accessToken)).toEqual([200, ['Note of everyone']])
  }, 60_000)

  test('refuses tokens that are forged, and says that it cannot tell while the keys are out of reach', async () => {
    const url = await startExample(file)
    const { accessToken } = await signUp(service)
    const forged = [
      'junk',
      `${accessToken.slice(0, -8)}AAAAAAAA`,
      forge(service, accessToken, { header: { typ: 'JWT' } }),
      forge(service, accessToken, { header: { kid: 'unknown' } }),
      forge(service, accessToken, { header: { kid: undefined } }),
      forge(service, accessToken, { claims: { exp: undefined } }),
      forge(service, accessToken, { claims: { iss: 'https://evil.example' } }),
      forge(service, accessToken, { claims: { aud: 'another' } }),
      forge(service, accessToken, { claims: { sid: undefined } }),
    ]
    for (const token of forged)
      expect(await get(`${url}/notes`, token)).toEqual([401, refused('UNAUTHENTICATED', 'INVALID')])
    const expired = forge(service, accessToken, { claims: { exp: Math.floor(Date.now() / 1000) - 3600 } })
    expect(await get(`${url}/notes`, expired)).toEqual([401, refused('UNAUTHENTICATED', 'EXPIRED')])
    const [status] = await get(
      `${await startExample(file, 'http://127.0.0.1:9/jwks.json')}/notes`,
      accessToken,
    )
    expect(status).toBe(503)
  }, 60_000)
})

test('the page shows parts of these examples', () => {
  const shown = snippetsIn('python').filter(({ page }) => page === 'docs/other-servers.md')
  const sources = ['app.py', 'jwt_extended.py'].map(file => readFileSync(path.join(FOLDER, file), 'utf8'))
  // Each begins with the imports that it needs.
  const parts = shown.flatMap(({ text }) => text.trim().split('\n\n\n'))
  expect(parts.length).toBeGreaterThan(5)
  expect(parts.filter(part => !sources.some(source => source.includes(part)))).toEqual([])
})
