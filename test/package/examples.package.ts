import { type ChildProcess, spawn } from 'node:child_process'
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { newAddress, PASSWORD, register } from '../support/actors.ts'
import { eventually } from '../support/eventually.ts'
import { claimsOf } from '../support/forge.ts'
import { Login } from '../support/operations.ts'
import { useService } from '../support/service.ts'
import { environment, freePort, INSTALL_TIMEOUT_MS, pack, ROOT, run, usePlace } from './support.ts'

const service = useService()
const place = usePlace('authograph-examples-')
/** What stands for each of our packages in the examples. */
const tarballs: Record<string, string> = {}

beforeAll(async () => {
  for (const name of ['client', 'verify'] as const) await pack(name, place())
  for (const file of await readdir(place()))
    tarballs[file.replace(/-\d.*$/, '')] = `file:${path.join(place(), file)}`
}, INSTALL_TIMEOUT_MS)

const running: ChildProcess[] = []
afterAll(() => {
  // The servers run as children of npm.
  for (const { pid } of running) if (pid) process.kill(-pid)
})

/** The cookies of a browser for localhost, whose ports share them. */
class Cookies {
  readonly #kept = new Map<string, string>()

  keep({ headers }: { headers: Headers }): void {
    for (const cookie of headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (value) this.#kept.set(name, value)
      else this.#kept.delete(name)
    }
  }

  async get(url: string): Promise<Response> {
    const cookie = [...this.#kept].map(pair => pair.join('=')).join('; ')
    const response = await fetch(url, { headers: { cookie, accept: 'text/html' }, redirect: 'manual' })
    this.keep(response)
    return response
  }
}

/** Installs, builds and starts an example as its reader would, and returns its address. */
async function startExample(name: string): Promise<string> {
  const folder = path.join(place(), name)
  await cp(path.join(ROOT, 'docs/examples', name), folder, { recursive: true })
  const file = path.join(folder, 'package.json')
  const manifest = JSON.parse(await readFile(file, 'utf8')) as {
    scripts: Record<string, string>
    dependencies: Record<string, string>
  }
  for (const name of Object.keys(manifest.dependencies))
    manifest.dependencies[name] = tarballs[name] ?? String(manifest.dependencies[name])
  await writeFile(file, JSON.stringify(manifest))
  await run(folder, 'npm', 'install', '--no-audit', '--no-fund')
  if (manifest.scripts.build) await run(folder, 'npm', 'run', 'build')
  const port = await freePort()
  const settings = {
    PORT: `${port}`,
    AUTH_URL: `${service.url}/graphql`,
    AUTH_JWKS_URL: `${service.url}/.well-known/jwks.json`,
    NODE_ENV: 'production',
  }
  const child = spawn('npm', ['start'], {
    cwd: folder,
    env: { ...environment(), ...settings },
    stdio: 'ignore',
    detached: true,
  })
  running.push(child)
  const url = `http://localhost:${port}`
  const answers = () =>
    fetch(url).then(
      () => true,
      () => false,
    )
  await eventually(answers, 60)
  return url
}

/** Registers Ada and signs her in as the server's page does. Returns an access token of another session. */
async function signInTo(browser: Cookies): Promise<string> {
  const email = newAddress()
  const { data } = await register(service, { email, displayName: 'Ada' })
  const payload = data?.register
  if (payload?.__typename !== 'AuthPayload') throw new Error('The registration did not sign in.')
  const input = { identifier: email, password: PASSWORD, tokenTransport: 'COOKIE' } as const
  browser.keep(await service.send(Login, { input }, { headers: { origin: 'http://localhost:4000' } }))
  return payload.accessToken
}

describe.each(['express', 'next', 'react-router'])('the example for %s', name => {
  let url: string
  beforeAll(async () => {
    url = await startExample(name)
  }, INSTALL_TIMEOUT_MS)

  test(
    'shows a visitor the way in, a user their roles, and forgets them when the session ends',
    async () => {
      const browser = new Cookies()
      const visitor = await browser.get(url)
      expect(visitor.status).toBe(200)
      expect(await visitor.text()).toContain('/sign-in')

      const accessToken = await signInTo(browser)
      const exchanged = await browser.get(url)
      expect([exchanged.status, exchanged.headers.get('location')]).toEqual([307, '/'])
      const page = await browser.get(url)
      expect(page.status).toBe(200)
      const html = await page.text()
      expect(html).toContain('Ada')
      expect(html.replaceAll('<!-- -->', '')).toContain('Your roles: user')
      expect(html).not.toContain('/sign-in')
      if (name === 'next') {
        const notes = (headers: Record<string, string> = {}) => fetch(`${url}/api/notes`, { headers })
        expect((await notes()).status).toBe(401)
        const answer: unknown = await (await notes({ authorization: `Bearer ${accessToken}` })).json()
        expect(answer).toEqual([`Note of ${claimsOf(accessToken).sub}`])
      }
      if (name === 'express') {
        const devices: unknown = await (await browser.get(`${url}/devices`)).json()
        expect(devices).toContainEqual(expect.objectContaining({ current: true }))
      }

      await service.send('mutation { revokeAllSessions }', {}, { token: accessToken })
      expect(await (await browser.get(url)).text()).toContain('/sign-in')
    },
    INSTALL_TIMEOUT_MS,
  )
})
