import { createHash, randomBytes, randomUUID } from 'node:crypto'
import pg from 'pg'
import type { FakeProvider } from '../support/fake-provider.ts'
import { type Cores, pin } from './cores.ts'
import { askAll } from './load.ts'
import type { Service } from './processes.ts'
import { usedMicros } from './processor-time.ts'
import { http } from './requests.ts'
import { CONNECTIONS, milliseconds } from './stages.ts'
import { type Row, ratioRow } from './table.ts'

const RETURN_TO = 'http://localhost/after'
const PEOPLE = 512
/** Short and many, because other work on the machine comes and goes within a second. With the warm-up, fewer than SESSIONS_MAX. */
const ROUNDS = 25
/** Until V8 has compiled what a sign-in runs: the code of three requests, where a refresh has one. */
const WARM_UP_ROUNDS = 10
/** As often as autovacuum would: the first plans of new tables read them whole. */
const ANALYZE_EVERY = 5

type Person = {
  sub: string
  /** Of the sign-in under way. */
  codeVerifier: string
  url: string
  code: string
  /** Of the latest session. */
  refreshToken: string
  deviceToken: string | undefined
}

/** A request of a sign-in: what each person sends, prepared without being measured, and what they keep of the answer. */
type Step = {
  request: (person: Person) => string | Promise<string>
  keep: (person: Person, answer: string) => void
}

/**
 * The processor time of the server for a sign-in with a provider: start, callback with the exchange, and completion. Each of
 * the three is measured as the refresh is that it is compared with: the same people, as many at a time. The provider runs in
 * this process and has signed its tokens before, so its time is not counted. One core serves.
 */
export async function providers(
  service: Service,
  databaseUrl: string,
  fake: FakeProvider,
  cores: Cores | undefined,
): Promise<Row[]> {
  await pin(service.pid, cores?.serving)
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 })
  const people = Array.from({ length: PEOPLE }, newPerson)
  const steps = stepsOf(fake)
  const times = { start: [], callback: [], completion: [], refresh: [] } as Record<
    keyof typeof steps,
    number[]
  >
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    if (round % ANALYZE_EVERY === 0) await pool.query('VACUUM ANALYZE')
    for (const [name, step] of Object.entries(steps) as [keyof typeof steps, Step][]) {
      const ms = await cost(service, people, step)
      if (round >= 0) times[name].push(ms)
    }
  }
  await pool.end()
  const { start, callback, completion, refresh } = times
  const whole = start.map((ms, round) => ms + (callback[round] ?? 0) + (completion[round] ?? 0))
  return [ratioRow('sign-in with a provider', whole, 'refreshToken', refresh, milliseconds, { atMost: 3 })]
}

/** The processor time of the service for each person's step, in milliseconds. */
async function cost(
  { pid, port }: Service,
  people: readonly Person[],
  { request, keep }: Step,
): Promise<number> {
  const requests = await Promise.all(people.map(request))
  const before = usedMicros(pid)
  const answers = await askAll(port, CONNECTIONS, requests)
  const ms = (usedMicros(pid) - before) / people.length / 1000
  for (const [index, person] of people.entries()) keep(person, answers[index] ?? '')
  return ms
}

function stepsOf(fake: FakeProvider): Record<'start' | 'callback' | 'completion' | 'refresh', Step> {
  const signed = new Map<unknown, string>()
  fake.bend.sign = claims => signed.get(claims.nonce) ?? ''
  return {
    start: {
      request: person => {
        person.codeVerifier = randomBytes(32).toString('base64url')
        const codeChallenge = createHash('sha256').update(person.codeVerifier).digest('base64url')
        return send('mutation ($input: StartProviderInput!) { startProviderSignIn(input: $input) { url } }', {
          provider: 'corp',
          returnTo: RETURN_TO,
          codeChallenge,
        })
      },
      keep: (person, answer) => Object.assign(person, dataOf(answer).startProviderSignIn),
    },
    callback: {
      request: async ({ url, sub }) => {
        const claims = { sub, email: `${sub}@example.com`, email_verified: true, name: 'Ada' }
        const nonce = new URL(url).searchParams.get('nonce')
        signed.set(nonce, await fake.idToken(claims, { nonce }))
        const { pathname, search } = fake.authorize(url, claims)
        return http(`GET ${pathname}${search} HTTP/1.1`, [])
      },
      keep: (person, answer) => {
        const [, location = ''] = /\r\nlocation: (\S+)/i.exec(answer) ?? []
        const code = new URL(location).searchParams.get('provider_code')
        if (code === null) throw new Error(`A callback failed:\n${answer}`)
        person.code = code
      },
    },
    completion: {
      request: ({ code, codeVerifier, deviceToken }) =>
        send(
          `mutation ($input: CompleteProviderInput!) {
            completeProviderSignIn(input: $input) { ... on AuthPayload { accessToken refreshToken deviceToken user { id email } } } }`,
          { code, codeVerifier, deviceToken },
        ),
      keep: (person, answer) => Object.assign(person, dataOf(answer).completeProviderSignIn),
    },
    refresh: {
      request: ({ refreshToken }) =>
        send(
          'mutation ($input: RefreshTokenInput) { refreshToken(input: $input) { accessToken refreshToken user { id email } } }',
          { refreshToken },
        ),
      keep: (person, answer) => Object.assign(person, dataOf(answer).refreshToken),
    },
  }
}

function newPerson(): Person {
  return { sub: randomUUID(), codeVerifier: '', url: '', code: '', refreshToken: '', deviceToken: undefined }
}

function send(query: string, input: object): string {
  const body = JSON.stringify({ query, variables: { input } })
  const headers = ['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`]
  return http('POST /graphql HTTP/1.1', headers, body)
}

function dataOf(answer: string): Record<string, object> {
  const { data, errors } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))
  if (errors) throw new Error(`A request failed:\n${answer}`)
  return data
}
