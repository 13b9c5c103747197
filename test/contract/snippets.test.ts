import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse, validate } from 'graphql'
import pg from 'pg'
import { createSchema } from '../../src/graphql/schema.ts'
import { as, PASSWORD, signUp, signUpVerified } from '../support/actors.ts'
import { haveTotp, ticketOf } from '../support/factors.ts'
import { claimsOf, headerOf } from '../support/forge.ts'
import { havePasskey } from '../support/passkeys.ts'
import { useService } from '../support/service.ts'
import { inlineCode, snippetsIn as of, place, type Snippet, snippets } from '../support/snippets.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8')

const service = useService()

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'authograph-snippets-'))
})
afterAll(() => rm(folder, { recursive: true }))

const all = snippets()

/** Blocks without a language are what a program prints, never something to run. */
const OUTPUTS = [/^Authograph answers at /, /^(?:what|from) .* {2,}\w/, /^src\/\n/]

/** Where the tests compile or run the snippets of each language. */
const TREATMENTS: Record<string, (snippet: Snippet) => boolean> = {
  // test/client/package.test.ts compiles them.
  ts: () => true,
  tsx: () => true,
  // Below; test/client/package.test.ts compiles the one of docs/passkeys.md.
  js: ({ page }) => !page.startsWith('docs/decisions'),
  jsx: ({ page }) => page === 'docs/client.md',
  // A recipe for another program, which docs/other-servers.md says that no test runs.
  java: ({ page }) => page === 'docs/other-servers.md',
  // test/contract/shell-snippets.test.ts runs them.
  sh: () => true,
  // Below.
  sql: () => true,
  python: () => true,
  graphql: () => true,
  json: () => true,
  css: () => true,
  // Of other programs, which are not here.
  nginx: ({ page }) => page === 'docs/proxies.md',
  caddyfile: ({ page }) => page === 'docs/proxies.md',
  '': ({ text }) => OUTPUTS.some(output => output.test(text)),
}

test('the tests compile or run every snippet of every page', () => {
  expect(all.length).toBeGreaterThan(40)
  expect(all.filter(snippet => !TREATMENTS[snippet.language]?.(snippet)).map(place)).toEqual([])
})

test('every JavaScript snippet is part of an example that the tests install and run, or of a test', () => {
  const folders = ['docs/examples', 'test/verify']
  const sources = folders.flatMap(folder =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter(file => /\.[jt]sx?$/.test(file))
      .map(file => read(path.join(folder, file)).replaceAll(/\s+/g, ' ')),
  )
  const unknown = of('js', 'jsx').filter(({ page, text }) => {
    const code = text.replaceAll(/\s+/g, ' ').trim()
    return page !== 'docs/passkeys.md' && !sources.some(source => source.includes(code))
  })
  // The issuer differs in the test.
  expect(unknown.map(({ text }) => text)).toEqual([expect.stringMatching(/^auth\(\{ issuerBaseURL: /)])
})

describe('SQL', () => {
  /** What the reader of a recipe has. */
  const THEIRS = 'CREATE ROLE authenticator; CREATE TABLE notes (user_id uuid);'

  /** Runs on a real, migrated database, and changes nothing there. */
  async function run(statements: string): Promise<void> {
    const client = new pg.Client(service.app.config.database.url)
    await client.connect()
    try {
      await client.query(`BEGIN; ${THEIRS}`)
      await client.query(statements)
    } finally {
      await client.query('ROLLBACK')
      await client.end()
    }
  }

  test.each(of('sql').map(snippet => [place(snippet), snippet.text]))('%s runs', async (_place, text) => {
    await run(text)
  })

  test('the policy for PostgREST shows users the rows with their ID, and no others', async () => {
    const [{ text = '' } = {}] = of('sql').filter(snippet => snippet.text.includes('CREATE POLICY'))
    const [owner, other] = [await signUp(service), await signUp(service)]
    const client = new pg.Client(service.app.config.database.url)
    await client.connect()
    try {
      await client.query(`BEGIN; ${THEIRS} ${text}`)
      await client.query('INSERT INTO notes VALUES ($1), ($2)', [owner.id, other.id])
      // What PostgREST does with each request.
      await client.query(`SET LOCAL ROLE "user"`)
      const claims = JSON.stringify(claimsOf(owner.accessToken))
      await client.query(`SELECT set_config('request.jwt.claims', $1, true)`, [claims])
      expect((await client.query('SELECT user_id FROM notes')).rows).toEqual([{ user_id: owner.id }])
    } finally {
      await client.query('ROLLBACK')
      await client.end()
    }
  })

  test('every statement in a sentence runs', async () => {
    const STATEMENT = /^(?:SELECT|DELETE|UPDATE|INSERT|ALTER|DROP|TRUNCATE|GRANT|REVOKE|VACUUM|REINDEX) /
    const statements = inlineCode().filter(({ text }) => STATEMENT.test(text))
    expect(statements.length).toBeGreaterThan(1)
    // To whom a privilege is granted is the reader's.
    for (const { text } of statements)
      await run(text.startsWith('GRANT ') && !text.includes(' TO ') ? `${text} TO CURRENT_USER` : text)
  })
})

describe('Python', () => {
  const python = (...args: string[]) => promisify(execFile)('python3', args, { cwd: folder })
  const imported = (text: string) =>
    [...text.matchAll(/^(?:import|from) (\w+)/gm)].map(([, name = '']) => name)

  test.each(of('python').map(snippet => [place(snippet), snippet.text]))(
    '%s compiles, and runs if it needs only the standard library',
    async (_place, text) => {
      await writeFile(path.join(folder, 'snippet.py'), text)
      await python('-m', 'py_compile', 'snippet.py')
      const list = 'import sys; print(*sys.stdlib_module_names)'
      const library = (await python('-c', list)).stdout.trim().split(' ')
      if (imported(text).every(name => library.includes(name))) await python('snippet.py')
    },
  )

  test('the verification of access tokens in docs/moving-in.md fits the tokens of the server', async () => {
    const [{ text = '' } = {}] = of('python')
    const { accessToken } = await signUp(service)
    const header = headerOf(accessToken)
    const [, algorithm] = /algorithms=\["(\w+)"\]/.exec(text) ?? []
    const [, audience] = /audience="(\w+)"/.exec(text) ?? []
    const [, keys = ''] = /https:\/\/auth\.example\.com(\/[^"]+)/.exec(text) ?? []
    expect(header).toMatchObject({ alg: algorithm })
    expect(claimsOf(accessToken)).toMatchObject({ aud: audience, sub: expect.any(String) })
    expect(await (await fetch(service.url + keys)).json()).toMatchObject({ keys: [{ alg: algorithm }] })
  })
})

describe('GraphQL', () => {
  /** The same structure, with the type of each value in its place. */
  function shape(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(shape)
    if (value === null || typeof value !== 'object') return typeof value
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shape(part)]))
  }

  test('the first session of the README runs in its order, with the answers that it shows', async () => {
    const blocks = of('graphql', 'json').filter(({ page }) => page === 'README.md')
    expect(blocks.filter(({ language }) => language === 'graphql')).toHaveLength(4)
    let tokens: { accessToken?: string; refreshToken?: string } = {}
    for (const [index, { language, text }] of blocks.entries()) {
      if (language !== 'graphql') continue
      const operation = text.replace('ada@example.com', 'ada.first@example.com')
      const { accessToken: token, refreshToken } = tokens
      const { data, errors } = await service.send(operation, { refreshToken }, { token })
      expect([text, errors]).toEqual([text, []])
      tokens = {
        ...tokens,
        ...(data as Record<string, object>).register,
        ...(data as Record<string, object>).refreshToken,
      }
      const answer = blocks[index + 1]
      if (answer?.language === 'json') expect(shape({ data })).toEqual(shape(JSON.parse(answer.text)))
    }
  })

  test('every other operation on a page runs, with tickets, codes and passwords that are valid', async () => {
    const schema = createSchema()
    // test/graphql/federation.test.ts composes the types of docs/federation.md.
    const others = ['README.md', 'docs/federation.md']
    const rest = of('graphql').filter(({ page }) => !others.includes(page))
    expect(rest.length).toBeGreaterThan(1)
    for (const { text } of rest) {
      expect([text, validate(schema, parse(text))]).toEqual([text, []])
      const account = await signUpVerified(service)
      // The permissions that docs/api-keys.md gives a key.
      await service.app.db.userRole.create({ data: { userId: account.id, roleName: 'support' } })
      // An account with a second factor needs it for what requires a recent sign-in.
      const app = /ticket|totpCode/.test(text) ? await haveTotp(service, account.id) : undefined
      const ticket = app ? await ticketOf(service, account.email) : ''
      const operation = text
        .replace('ticket: "…"', `ticket: "${ticket}"`)
        .replace('password: "…"', `password: "${PASSWORD}"`)
        .replace('totpCode: "123456"', `totpCode: "${app?.code()}"`)
      expect([text, (await service.send(operation, {}, as(account))).errors]).toEqual([text, []])
    }
  })
})

test('docs/second-factors.md shows the extensions of STEP_UP_REQUIRED as the server sends them', async () => {
  const account = await signUpVerified(service)
  await haveTotp(service, account.id)
  await havePasskey(service, account.id)
  const { errors } = await service.send('mutation { renewRecoveryCodes }', {}, as(account))
  const [snippet] = of('json').filter(({ page }) => page === 'docs/second-factors.md')
  expect(errors[0]?.extensions).toMatchObject(JSON.parse(snippet?.text ?? '{}') as object)
})

test('every other JSON snippet is an object', () => {
  for (const { text } of of('json')) {
    // Part of a package.json.
    expect(JSON.parse(text.startsWith('{') ? text : `{${text}}`)).toEqual(expect.any(Object))
  }
})

test('every variable that a CSS snippet sets is one of src/client/styles.css', () => {
  const styles = read('src/client/styles.css')
  const names = of('css').flatMap(({ text }) => text.match(/--[\w-]+(?=:)/g) ?? [])
  expect(names.length).toBeGreaterThan(1)
  expect(names.filter(name => !styles.includes(`var(${name}`))).toEqual([])
})
