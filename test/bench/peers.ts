import { execFile } from 'node:child_process'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { pin } from './cores.ts'
import { load, type Source } from './load.ts'
import { type Script, type Settings, startScriptAt } from './processes.ts'
import { measureProcessors } from './processor-time.ts'
import { type Account, http, login, me, PASSWORD, refresh, register, tokensIn } from './requests.ts'
import type { Scene } from './scale.ts'
import { perSecond } from './stages.ts'
import { type Row, ratioRow } from './table.ts'

const run = promisify(execFile)
/** From dist/bench/test/bench. */
const SCRIPTS = fileURLToPath(new URL('../../../../test/bench/peers', import.meta.url))
const ROUNDS = 3
const ROUND_MS = 3000
const CONNECTIONS = 32
const HASHING_CONNECTIONS = 16
const POOL_SIZE = 10

type Task = 'me' | 'refresh' | 'login'

/** A server that takes part, with what its clients send. A peer may lack a task. */
type Contestant = {
  name: string
  pid: number
  port: number
  /** Of its database, which no other server uses. */
  pool: pg.Pool
  tasks: Partial<Record<Task, Source>>
}

const TASKS: Record<Task, string> = {
  me: 'who am I, live session',
  refresh: 'refresh',
  login: 'sign-in with a password',
}

/**
 * The service beside better-auth and accounts-js: the same PostgreSQL, one process, a pool of the same size, and the same
 * password hashes. The versions are in test/bench/peers/package.json; npm installs them into `folder`.
 */
export async function peers(scene: Scene, folder: string): Promise<Row[]> {
  const home = join(folder, 'peers')
  await mkdir(home)
  await cp(SCRIPTS, home, { recursive: true })
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: home })
  const contestants = [await ourselves(scene), await betterAuth(scene, home), await accountsJs(scene, home)]
  // Not before they have started, because how many passwords are hashed concurrently depends on the cores.
  await pin(process.pid, scene.cores?.asking)
  const rows: Row[] = []
  for (const task of Object.keys(TASKS) as Task[]) rows.push(...(await compare(scene, task, contestants)))
  for (const { pool } of contestants) await pool.end()
  return rows
}

async function ourselves({ database, start }: Scene): Promise<Contestant> {
  const url = await database.ensureDatabase('ours')
  const { pid, port } = await start(url)
  const accounts: Account[] = []
  const enough = new AbortController()
  const made = register(account => {
    if (accounts.push(account) === 2 * CONNECTIONS) enough.abort()
  })
  await load(port, 1, made, enough.signal)
  const tasks = {
    me: me(accounts.slice(0, CONNECTIONS)),
    refresh: refresh(accounts.slice(CONNECTIONS)),
    login: login(accounts),
  }
  return { name: 'Authograph', pid, port, pool: poolOf(url), tasks }
}

/** Its sessions have no refresh tokens: the cookie stays the same. */
async function betterAuth(scene: Scene, home: string): Promise<Contestant> {
  const { url, port, pid } = await startPeer(scene, home, 'better-auth')
  const origin = `origin: http://127.0.0.1:${port}`
  const cookies: string[] = []
  const sign = (how: 'up' | 'in', email: string) =>
    postJson(
      `/api/auth/sign-${how}/email`,
      { email, password: PASSWORD, ...(how === 'up' && { name: email }) },
      origin,
    )
  for (const email of emails()) {
    const { headers } = await ask(port, sign('up', email))
    cookies.push(
      headers
        .getSetCookie()
        .map(cookie => cookie.split(';')[0])
        .join('; '),
    )
  }
  const sessions = cookies.map(cookie => http('GET /api/auth/get-session HTTP/1.1', [`cookie: ${cookie}`]))
  const tasks = {
    me: inOrder(sessions, body => body.includes('"user":{')),
    login: inOrder(emails().map(email => sign('in', email))),
  }
  return { name: 'better-auth', pid, port, pool: poolOf(url), tasks }
}

async function accountsJs(scene: Scene, home: string): Promise<Contestant> {
  const { url, port, pid } = await startPeer(scene, home, 'accounts-js')
  const signIn = (email: string) =>
    postJson('/accounts/password/authenticate', { user: { email }, password: PASSWORD })
  const holders: ReturnType<typeof tokensIn>[] = []
  for (const email of emails()) {
    await ask(port, postJson('/accounts/password/register', { user: { email, password: PASSWORD } }))
    holders.push(tokensIn(await (await ask(port, signIn(email))).text()))
  }
  const sessions = holders.map(({ accessToken }) =>
    http('GET /accounts/user HTTP/1.1', [`authorization: Bearer ${accessToken}`]),
  )
  const tasks = {
    me: inOrder(sessions, body => body.includes('"username"')),
    refresh: {
      next: (connection: number) => postJson('/accounts/refreshTokens', holders[connection] ?? {}),
      answered: (connection: number, body: string) =>
        void Object.assign(holders[connection] ?? {}, tokensIn(body)),
    },
    login: inOrder(emails().map(signIn)),
  }
  return { name: 'accounts-js', pid, port, pool: poolOf(url), tasks }
}

async function startPeer({ database, hashing, leftovers }: Scene, home: string, name: string) {
  const url = await database.ensureDatabase(name.replace('-', '_'))
  const settings: Settings = {
    NODE_ENV: 'production',
    DATABASE_URL: url,
    DATABASE_POOL_SIZE: String(POOL_SIZE),
    ARGON2: `${hashing.memoryKib} ${hashing.timeCost} ${hashing.parallelism}`,
  }
  const script: Script = await startScriptAt(join(home, `${name}.mjs`), settings)
  leftovers.push(script.stop)
  return { url, port: Number(script.greeting), pid: script.pid }
}

/** Rates and processor time of a task, in rounds in which the servers take turns. The first round only warms up. */
async function compare({ cores }: Scene, task: Task, contestants: Contestant[]): Promise<Row[]> {
  const able = contestants.filter(({ tasks }) => tasks[task])
  const hashing = task === 'login'
  for (const { pid } of able) await pin(pid, hashing ? cores?.all : cores?.serving)
  const rates = new Map(able.map(each => [each, [] as number[]]))
  const costs = new Map(able.map(each => [each, [] as number[]]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const each of able) {
      const source = each.tasks[task]
      if (!source) continue
      const spent = await measureProcessors(each.pid, each.pool)
      const connections = hashing ? HASHING_CONNECTIONS : CONNECTIONS
      const { rate, latenciesMs } = await load(each.port, connections, source, AbortSignal.timeout(ROUND_MS))
      const cost = (await spent()) / latenciesMs.length
      if (round === 0) continue
      rates.get(each)?.push(rate)
      costs.get(each)?.push(cost)
    }
  }
  const [ours, ...others] = able
  if (!ours) return []
  return others.flatMap(other => [
    ratioRow(TASKS[task], rates.get(ours) ?? [], other.name, rates.get(other) ?? [], perSecond, {
      atLeast: 1,
    }),
    ratioRow(
      `${TASKS[task]}, processor time`,
      costs.get(ours) ?? [],
      other.name,
      costs.get(other) ?? [],
      ms => `${ms.toFixed(2)} ms`,
      { atMost: 1 },
    ),
  ])
}

function poolOf(connectionString: string): pg.Pool {
  return new pg.Pool({ connectionString, max: 1 })
}

function emails(): string[] {
  return Array.from({ length: CONNECTIONS }, (_, number) => `ada.${number}@example.com`)
}

function postJson(path: string, value: object, ...headers: string[]): string {
  const body = JSON.stringify(value)
  const described = ['content-type: application/json', `content-length: ${body.length}`, ...headers]
  return http(`POST ${path} HTTP/1.1`, described, body)
}

/** Sends one of these requests once, while the server is being prepared. */
async function ask(port: number, request: string): Promise<Response> {
  const [head = '', body] = request.split('\r\n\r\n')
  const [start = '', ...lines] = head.split('\r\n')
  const [method, path] = start.split(' ')
  const headers = lines.map(line => line.split(': ') as [string, string])
  const own = headers.filter(([name]) => name !== 'host' && name !== 'content-length')
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    ...(method && { method }),
    headers: own,
    ...(body && { body }),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response
}

/** One request after the other; each is expected to succeed. */
function inOrder(requests: string[], expects?: (body: string) => boolean): Source {
  let turn = 0
  return { next: () => requests[turn++ % requests.length] ?? '', ...(expects && { expects }) }
}
