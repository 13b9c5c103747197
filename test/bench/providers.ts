import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { FakeClaims, FakeProvider } from '../support/fake-provider.ts'
import { type Cores, pin } from './cores.ts'
import type { Service } from './processes.ts'
import { usedMicros } from './processor-time.ts'
import { inTurns, milliseconds } from './stages.ts'
import { type Row, ratioRow } from './table.ts'

const RETURN_TO = 'http://localhost/after'
const ROUND_MS = 1500
/** Enough that none of them reaches SESSIONS_MAX. */
const PEOPLE = 128
const AT_ONCE = 16

/** Someone whose app has signed in before, and so knows the device. */
type Person = FakeClaims & { refreshToken: string; deviceToken: string }

/**
 * The processor time of the server for a sign-in with a provider: start, callback with the exchange, and completion. The
 * provider runs in this process, so its time is not counted. Compared with a refresh of a session, one core serving.
 */
export async function providers(
  service: Service,
  fake: FakeProvider,
  cores: Cores | undefined,
): Promise<Row[]> {
  await pin(service.pid, cores?.serving)
  const people: Person[] = []
  while (people.length < PEOPLE) {
    const sub = randomUUID()
    const person = { sub, email: `${sub}@example.com`, email_verified: true, name: 'Ada' }
    people.push({ ...person, ...(await signIn(service.port, fake, person)) })
  }
  const times = await inTurns({
    signIn: () => cost(service, people, person => signIn(service.port, fake, person)),
    refresh: () =>
      cost(service, people, async person => {
        person.refreshToken = await refresh(service.port, person.refreshToken)
      }),
  })
  return [
    ratioRow('sign-in with a provider', times.signIn, 'refreshToken', times.refresh, milliseconds, {
      atMost: 3,
    }),
  ]
}

/** The processor time of the service for each time that the task ran, in milliseconds. */
async function cost(
  { pid }: Service,
  people: readonly Person[],
  task: (person: Person) => Promise<unknown>,
): Promise<number> {
  const until = performance.now() + ROUND_MS
  const before = usedMicros(pid)
  let count = 0
  const drive = async () => {
    while (performance.now() < until) await task(people[count++ % people.length] as Person)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, drive))
  return (usedMicros(pid) - before) / count / 1000
}

/** A whole sign-in, and what its app keeps. */
async function signIn(
  port: number,
  fake: FakeProvider,
  person: FakeClaims & Partial<Person>,
): Promise<Pick<Person, 'refreshToken' | 'deviceToken'>> {
  const codeVerifier = randomBytes(32).toString('base64url')
  const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url')
  const started = await send(
    port,
    'mutation ($input: StartProviderInput!) { startProviderSignIn(input: $input) { url } }',
    { provider: 'corp', returnTo: RETURN_TO, codeChallenge },
  )
  const { refreshToken: _, deviceToken, ...claims } = person
  const { pathname, search } = fake.authorize((started.startProviderSignIn as { url: string }).url, claims)
  const callback = await fetch(`http://127.0.0.1:${port}${pathname}${search}`, { redirect: 'manual' })
  await callback.arrayBuffer()
  const code = new URL(callback.headers.get('location') ?? '').searchParams.get('provider_code')
  const completed = await send(
    port,
    `mutation ($input: CompleteProviderInput!) {
      completeProviderSignIn(input: $input) { ... on AuthPayload { accessToken refreshToken deviceToken user { id email } } } }`,
    { code, codeVerifier, deviceToken },
  )
  return completed.completeProviderSignIn as Person
}

async function refresh(port: number, refreshToken: string): Promise<string> {
  const refreshed = await send(
    port,
    'mutation ($input: RefreshTokenInput) { refreshToken(input: $input) { accessToken refreshToken user { id email } } }',
    { refreshToken },
  )
  return (refreshed.refreshToken as { refreshToken: string }).refreshToken
}

async function send(port: number, query: string, input: object): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { input } }),
  })
  const { data, errors } = (await response.json()) as { data: Record<string, unknown>; errors?: unknown }
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}
