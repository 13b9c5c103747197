import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { type RunningServer, testContext } from 'authograph'
import { NotesResolver } from './notes.js'
import { start } from './server.js'

let folder: string
let server: RunningServer

// The whole server, with a PostgreSQL of its own.
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), '{{name}}-'))
  server = await start({ nodeEnv: 'test', port: 0, dataDir: folder, mail: false, logLevel: 'warn' })
})
after(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

type Answer<Data> = { data: Data; errors?: { extensions: { code: string } }[] }

async function send<Data>(query: string, accessToken?: string): Promise<Answer<Data>> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(accessToken && { authorization: `Bearer ${accessToken}` }),
    },
    body: JSON.stringify({ query }),
  })
  return (await response.json()) as Answer<Data>
}

async function signUp(email: string): Promise<string> {
  const { data } = await send<{ register: { accessToken: string } }>(`mutation {
    register(input: { email: "${email}", password: "an engine of brass" }) {
      ... on AuthPayload { accessToken }
    }
  }`)
  return data.register.accessToken
}

test('a visitor has no notes', async () => {
  const { errors } = await send('{ notes { text } }')
  assert.equal(errors?.[0]?.extensions.code, 'UNAUTHENTICATED')
})

test('users see their own notes only', async () => {
  const [ada, grace] = [await signUp('ada@example.com'), await signUp('grace@example.com')]
  await send('mutation { addNote(text: "Steam") { id } }', ada)
  assert.deepEqual((await send('{ notes { text } }', ada)).data, { notes: [{ text: 'Steam' }] })
  assert.deepEqual((await send('{ notes { text } }', grace)).data, { notes: [] })
})

test('the notes of everyone require the permission', async () => {
  const { errors } = await send('{ allNotes { text } }', await signUp('mary@example.com'))
  assert.equal(errors?.[0]?.extensions.code, 'FORBIDDEN')
})

// Without a server: a resolver is a class.
test('a long note is refused', async () => {
  const context = testContext({ viewer: { account: { id: 'ada' } } })
  await assert.rejects(new NotesResolver().addNote(context, 'x'.repeat(1001)))
})
