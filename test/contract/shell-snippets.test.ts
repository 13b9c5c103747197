import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pg from 'pg'
import { importFields } from '../../src/admin/import/import-row.ts'
import { importUsers } from '../../src/admin/import/import-users.ts'
import { loadConfig, settingNames } from '../../src/config.ts'
import { as, newAddress, register, signUp, signUpAdmin, signUpVerified } from '../support/actors.ts'
import { build, runCli, startCli } from '../support/cli.ts'
import { runCliHere } from '../support/cli-here.ts'
import { claimsOf } from '../support/forge.ts'
import { createDatabase } from '../support/postgres.ts'
import { startProcess } from '../support/process.ts'
import { useService } from '../support/service.ts'
import { newServiceAccount } from '../support/service-accounts.ts'
import { type Command, commandsOf } from '../support/shell.ts'
import { inlineCode, place, snippetsIn } from '../support/snippets.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8')
const AUTHOGRAPH_SECRET = 'a secret that only the tests may know'

/** The providers of the accounts that move in. */
const PROVIDERS = {
  PROVIDERS: 'google,github',
  PROVIDER_GOOGLE_CLIENT_ID: '1234567890-abc.apps.googleusercontent.com',
  PROVIDER_GOOGLE_CLIENT_SECRET: 'a secret',
  PROVIDER_GITHUB_CLIENT_ID: 'an ID',
  PROVIDER_GITHUB_CLIENT_SECRET: 'a secret',
}
const service = useService({ settings: { AUTHOGRAPH_SECRET, ...PROVIDERS } })

let folder: string
beforeAll(async () => {
  await build()
  folder = await mkdtemp(path.join(tmpdir(), 'authograph-snippets-'))
  await writeFile(path.join(folder, 'users.jsonl'), JSON.stringify({ email: newAddress() }))
  // The account of the README.
  await register(service, { email: 'ada@example.com', password: 'an engine of brass' })
}, 120_000)
afterAll(() => rm(folder, { recursive: true }))

/** What stands for an API key. */
const KEY = 'agk_…'

async function newApiKey(): Promise<string> {
  const operation = 'mutation { createApiKey(input: { name: "Report", permissions: [] }) { secret } }'
  const owner = await signUpVerified(service)
  const { data } = await service.send<{ createApiKey: { secret: string } }, object>(operation, {}, as(owner))
  return String(data?.createApiKey.secret)
}

/** Runs a command of a snippet, or as much of it as does not need the reader's own machine. */
const RUN: Record<string, (command: Command) => Promise<void>> = {
  npm: async ({ args, settings }) => {
    expectNpmToKnow(args)
    expectToConfigure(settings)
  },
  npx: async ({ args: [program, ...args] }) => {
    expect(program).toBe('authograph')
    if (args[0] === 'start') return expectToStart(args)
    const settings = {
      DATABASE_URL: String(service.app.config.database.url),
      AUTHOGRAPH_SECRET,
      ...PROVIDERS,
    }
    const there = args.map(arg => (arg.endsWith('.jsonl') ? path.join(folder, arg) : arg))
    // Those that write more than a result need a standard output of their own.
    const run = /export|print-schema/.test(args.join(' ')) ? runCli : runCliHere
    expect(await run(there, { settings })).toMatchObject({ exitCode: 0, stderr: '' })
  },
  node: async ({ args, settings }) => {
    expect(args).toEqual(['dist/main.js'])
    expectToConfigure(settings)
    const own = await createDatabase()
    const server = await startProcess({ ...settings, PORT: '0', DATABASE_URL: own.url })
    server.kill('SIGTERM')
    const exitCode = await server.ended
    expect([server.url, server.stderr, exitCode]).toEqual([expect.any(String), [], 0])
    await own.drop()
  },
  curl: async ({ args }) => {
    const host = /http:\/\/localhost:4000|https:\/\/auth\.example\.com/
    const key = args.some(arg => arg.includes(KEY)) ? await newApiKey() : ''
    const here = args.map(arg => arg.replace(host, service.url).replace(KEY, key))
    const { stdout } = await promisify(execFile)('curl', ['--silent', '--fail', ...here])
    const answer = JSON.parse(stdout) as Record<string, unknown>
    const [address = ''] = args.filter(arg => host.test(arg))
    const expected = address.endsWith('.json') ? 'keys' : address.endsWith('/token') ? 'access_token' : 'data'
    expect([args, Object.keys(answer)]).toEqual([args, expect.arrayContaining([expected])])
  },
  psql: async ({ args: [shop, ...options] }) => {
    expect(shop).toBe('shop')
    const query = String(options.pop())
    const { groups } = /^\\copy \((?<copied>.+)\) TO \S+ CSV HEADER$/.exec(query) ?? {}
    expect(options).toEqual(groups ? ['--command'] : ['--tuples-only', '--no-align', '--command'])
    await expectToImport(await inShop(groups?.copied ?? query))
  },
  // No MySQL is here. The keys are those of the query for PostgreSQL, which runs.
  mysql: async ({ args }) => {
    const options = ['--batch', '--raw', '--skip-column-names', '--default-character-set=utf8mb4']
    expect(args.slice(0, -1)).toEqual([...options, 'shop', '-e'])
    const keys = [...String(args.at(-1)).matchAll(/'(\w+)', \w/g)].map(([, key = '']) => key)
    const names: string[] = [...Object.values(importFields).flat(), 'oldId']
    expect(keys.length).toBeGreaterThan(5)
    expect(keys.filter(key => !names.includes(key))).toEqual([])
  },
  openssl: async ({ args }) => {
    const { stdout } = await promisify(execFile)('openssl', args)
    expect(stdout.trim().length).toBeGreaterThan(30)
  },
  // Of other programs, which are not here. test/admin/import imports the record that the page shows as their output.
  firebase: async ({ args }) => {
    expect(args).toEqual(['auth:export', 'users.json', '--format=JSON'])
  },
  jq: async ({ args }) => {
    expect([args[0], args.at(-1)]).toEqual(['-c', 'users.json'])
  },
  postgrest: async ({ settings }) => {
    const { accessToken } = await signUp(service)
    const { aud } = claimsOf(accessToken)
    expect(settings).toEqual({ PGRST_JWT_SECRET: '@jwks.json', PGRST_JWT_AUD: aud })
  },
  pip: async ({ args }) => {
    expect(args).toEqual(['install', '-r', 'requirements.txt'])
  },
  // No pg_dump is here.
  pg_dump: async ({ args }) => {
    expect(args).toEqual(['--format=custom', '--no-owner', '--file=authograph.dump', 'authograph'])
  },
  createdb: async ({ args }) => {
    expect(args).toEqual(['authograph'])
  },
  pg_restore: async ({ args }) => {
    expect(args).toEqual(['--exit-on-error', '--no-owner', '--dbname=authograph', 'authograph.dump'])
  },
  cp: async ({ args }) => {
    expect(args).toEqual(['-a', path.basename(loadConfig({}).dataDir), 'data-backup'])
  },
  kubectl: async ({ args }) => expectKubectlToFind(args),
  // Its output is the content of a secret file: test/support/shell.ts.
  cat: async () => {},
}

test.each(snippetsIn('sh').map(snippet => [place(snippet), snippet.text]))(
  '%s runs',
  async (where, text) => {
    const { accessToken } = await signUp(service)
    const client = text.includes('CLIENT_ID')
      ? await newServiceAccount(service, await signUpAdmin(service))
      : { id: '', secret: '' }
    const commands = await commandsOf(text, Object.keys(RUN), {
      ACCESS_TOKEN: accessToken,
      CLIENT_ID: client.id,
      CLIENT_SECRET: client.secret,
      SUPABASE_DATABASE_URL: 'shop',
    })
    if (commands.length === 0) await expectSettings(where, text)
    for (const command of commands) await RUN[command.name]?.(command)
  },
  60_000,
)

/** What the snippets of a page that only set variables have set so far: they go into one .env. */
const set = new Map<string, Record<string, string>>()

async function expectSettings(where: string, text: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const P8 = String(privateKey.export({ type: 'pkcs8', format: 'pem' })).replaceAll('\n', '\\n')
  const [{ settings = {} } = {}] = await commandsOf(`set -a\n${text}\nsettings`, ['settings', 'cat'], {
    P8,
  }).then(commands => commands.filter(({ name }) => name === 'settings'))
  const { HASURA_GRAPHQL_JWT_SECRET: hasura, ...ours } = settings
  if (hasura) return expectHasuraToRead(hasura)
  const page = String(where.split(':')[0])
  set.set(page, { ...set.get(page), ...ours })
  expect(Object.keys(ours).length).toBeGreaterThan(0)
  expectToConfigure(set.get(page) ?? {})
}

async function expectHasuraToRead(json: string): Promise<void> {
  const { jwk_url: keys, audience } = JSON.parse(json) as { jwk_url: string; audience: string }
  expect((await fetch(service.url + new URL(keys).pathname)).status).toBe(200)
  expect(claimsOf((await signUp(service)).accessToken)).toMatchObject({ aud: audience })
}

/** Inline code that is a command. One of a program that is not in RUN fails. */
const COMMAND =
  /^(?:[A-Z_]+=\S+ )*(?:npm|npx|node|yarn|pnpm|authograph|curl|psql|mysql|openssl|docker|git|bash|sh|sudo|systemctl|brew|apt|apt-get|pip|python3?|kubectl|postgrest|export) \S/

test('every command in a sentence runs, or exists with the options that it names', async () => {
  const commands = inlineCode().filter(({ text }) => COMMAND.test(text) && !text.includes('…'))
  expect(commands.length).toBeGreaterThan(20)
  const script = commands.map(({ text }) => text).join('\n')
  for (const command of await commandsOf(script, [...Object.keys(RUN), 'authograph'])) {
    if (command.name === 'authograph') expectCliToKnow(command.args)
    else if (command.name === 'npx') expectCliToKnow(command.args.slice(1))
    else await RUN[command.name]?.(command)
  }
}, 60_000)

/** The table of commands has exactly the commands and options that exist: test/contract/docs.test.ts. */
function expectCliToKnow([name = '', ...args]: string[]): void {
  const table = read('docs/production.md')
    .split('\n')
    .filter(line => line.startsWith('| `'))
  const row = table.find(line => new RegExp(`^\\| \`${name}[ \`]`).test(line)) ?? ''
  const options = args.filter(arg => arg.startsWith('--'))
  expect([name, row !== '' || name === '']).toEqual([name, true])
  expect([name, options.filter(option => !row.includes(option))]).toEqual([name, []])
}

async function expectToStart(args: string[]): Promise<void> {
  expect(args).toEqual(['start'])
  const own = await createDatabase()
  const server = startCli(args, { DATABASE_URL: own.url, AUTHOGRAPH_SECRET, PORT: '0', WEB: 'off' })
  server.stdin.end()
  const listens = new Promise<void>(resolve => {
    server.stdout.on('data', (chunk: Buffer) => {
      if (String(chunk).includes('Authograph answers at')) resolve()
    })
  })
  await Promise.race([listens, server.ended])
  server.kill('SIGTERM')
  expect(await server.ended).toMatchObject({ exitCode: 0, stderr: '' })
  await own.drop()
}

/** test/package/kubernetes.package.ts validates the manifests. */
function expectKubectlToFind(args: string[]): void {
  const [verb, ...rest] = args[0] === '--namespace' ? args.slice(2) : args
  if (verb === 'apply') expect(existsSync(path.join(ROOT, String(rest[1])))).toBe(true)
  else if (verb === 'exec') expectCliToKnow(rest.slice(rest.indexOf('dist/cli/main.js') + 1))
  else if (verb === 'rollout') expect(rest).toEqual(['status', 'deployment/authograph'])
  else if (rest[0] === 'namespace') expect([verb, rest[1]]).toEqual(['create', 'authograph'])
  else expectSecret([String(verb), ...rest])
}

function expectSecret([verb, kind, ...rest]: string[]): void {
  expect([verb, kind]).toEqual(['create', 'secret'])
  const literals = rest.flatMap(arg => {
    const [, name = '', value = ''] = /^--from-literal=([^=]+)=(.*)$/.exec(arg) ?? []
    return name ? [[name, value]] : []
  })
  expect(literals.length).toBeGreaterThan(1)
  expectToConfigure({
    ...(Object.fromEntries(literals) as Record<string, string>),
    AUTHOGRAPH_SECRET,
    NODE_ENV: 'production',
    PUBLIC_URL: 'https://auth.example.com',
  })
}

function expectNpmToKnow([verb = '', ...args]: string[]): void {
  const { scripts, peerDependencies } = JSON.parse(read('package.json')) as Record<string, object>
  if (verb === 'create') expect(args[0]).toBe('authograph')
  else if (verb === 'ci') expect(existsSync(path.join(ROOT, 'package-lock.json'))).toBe(true)
  else if (verb === 'install')
    expect([
      ...Object.keys(peerDependencies ?? {}),
      'authograph',
      'authograph-client',
      'authograph-verify',
    ]).toEqual(expect.arrayContaining(args))
  else expect(Object.keys(scripts ?? {})).toContain(verb === 'run' ? args[0] : verb)
}

/** The settings exist, and the server accepts their values. */
function expectToConfigure(settings: Record<string, string>): void {
  const names: readonly string[] = settingNames
  // loadConfig knows the names of the settings of providers.
  const others = Object.keys(settings).filter(name => !names.includes(name))
  expect(others.filter(name => !/^PROVIDER_[A-Z]+_/.test(name))).toEqual([])
  expect(() => loadConfig(settings)).not.toThrow()
}

/** What a query on the tables of another system returns, as records of a file. */
async function inShop(query: string): Promise<Record<string, unknown>[]> {
  const shop = await createDatabase()
  const client = new pg.Client(shop.url)
  await client.connect()
  try {
    await client.query(
      `CREATE SCHEMA shop; SET search_path TO shop; ${read('test/support/foreign-tables.sql')}`,
    )
    const { rows } = await client.query<Record<string, unknown>>(query)
    // One column of JSON is a line of the file.
    return rows.map(row => (Object.keys(row).length === 1 ? (Object.values(row)[0] as typeof row) : row))
  } finally {
    await client.end()
    await shop.drop()
  }
}

async function expectToImport(records: Record<string, unknown>[]): Promise<void> {
  const source = (async function* () {
    yield records.map((fields, index) => ({ line: index + 1, fields }))
  })()
  expect(await importUsers(service.app, source, { dryRun: true })).toMatchObject({
    read: 2,
    taken: 2,
    skipped: 0,
    ignored: [],
  })
}
