import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals'
import type {
  CompleteProviderInput,
  CompleteProviderSignInMutation,
  StartProviderInput,
} from '../generated/graphql.ts'
import { TestClock } from './clock.ts'
import { currentOf } from './current.ts'
import { type FakeClaims, type FakeProvider, startFakeProvider } from './fake-provider.ts'
import { CompleteProviderSignIn, StartProviderSignIn } from './operations.ts'
import { codes, type Reply, type Sending, type Service, startService } from './service.ts'

export const RETURN_TO = 'http://localhost:4000/sign-in/provider'

/**
 * A service with three providers of one issuer, which differ in how far their addresses are relied on: `sure` is the
 * authority for them, `verifying` verifies them, and `corp` does neither.
 */
export function useProviders(settings: Record<string, string> = {}): {
  service: Service
  fake: FakeProvider
} {
  let running: { service: Service; fake: FakeProvider } | undefined
  beforeAll(async () => {
    const clock = new TestClock()
    const fake = await startFakeProvider({ clock })
    const service = await startService({ clock, settings: { ...providersOf(fake), ...settings } })
    running = { service, fake }
  })
  afterEach(() => {
    const lines = running?.service.logged.splice(0)
    expect(lines).toEqual([])
    if (running) running.fake.bend = {}
  })
  afterAll(async () => {
    await running?.service.close()
    await running?.fake.stop()
  })
  return { service: currentOf(() => running?.service), fake: currentOf(() => running?.fake) }
}

/** The settings of the three providers. */
export function providersOf(fake: FakeProvider): Record<string, string> {
  const ids = { sure: 'authoritative', verifying: 'verified', corp: 'never' }
  const each = Object.entries(ids).map(([id, trust]) => ({
    ...fake.settings(id),
    [`PROVIDER_${id.toUpperCase()}_EMAIL`]: trust,
  }))
  return Object.assign({}, ...each, { PROVIDERS: Object.keys(ids).join(',') })
}

/** A person at the provider whom no account knows. */
export function someone(more: FakeClaims = {}): FakeClaims & { sub: string; email: string } {
  const sub = randomUUID()
  return { sub, email: `${sub}@example.com`, email_verified: true, name: 'Ada', ...more }
}

export type Begun = {
  url: URL
  verifier: string
  /** What the browser sends to the callback. */
  cookie: string | undefined
  reply: Awaited<ReturnType<typeof start>>['reply']
}

/** What a client keeps, and what it sends of it (RFC 7636). */
export function newVerifier(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

/** Sends the start of a sign-in, which may be refused. */
export async function start(service: Service, input: Partial<StartProviderInput> = {}, sending?: Sending) {
  const { verifier, challenge: codeChallenge } = newVerifier()
  const all = { provider: 'sure', returnTo: RETURN_TO, codeChallenge, ...input }
  return { verifier, reply: await service.send(StartProviderSignIn, { input: all }, sending) }
}

/** Begins a sign-in. */
export async function begin(
  service: Service,
  input: Partial<StartProviderInput> = {},
  sending?: Sending,
): Promise<Begun> {
  const { verifier, reply } = await start(service, input, sending)
  if (!reply.data) throw new Error(`not begun: ${JSON.stringify(reply.errors)}`)
  const [cookie] = reply.headers.getSetCookie().map(line => line.split(';')[0])
  return { url: new URL(reply.data.startProviderSignIn.url), verifier, cookie, reply }
}

/** What the callback answers the browser: where it goes on, and with which code or error. */
export type Landing = {
  status: number
  to: URL | undefined
  code: string | undefined
  error: string | undefined
  body: string
  headers: Headers
}

/** Opens the address that the provider sent the browser to. */
export async function land(
  service: Service,
  back: URL,
  { cookie, post = false }: { cookie?: string | undefined; post?: boolean } = {},
): Promise<Landing> {
  const at = service.url + back.pathname + (post ? '' : back.search)
  const response = await fetch(at, {
    redirect: 'manual',
    headers: cookie === undefined ? {} : { cookie },
    ...(post && { method: 'POST', body: back.searchParams }),
  })
  const location = response.headers.get('location')
  const to = location === null ? undefined : new URL(location)
  return {
    status: response.status,
    to,
    code: to?.searchParams.get('provider_code') ?? undefined,
    error: to?.searchParams.get('provider_error') ?? undefined,
    body: await response.text(),
    headers: response.headers,
  }
}

/** Everything up to the code: start, the person at the provider, callback. */
export async function codeFor(
  service: Service,
  fake: FakeProvider,
  person: FakeClaims,
  input: Partial<StartProviderInput> = {},
): Promise<{ code: string; codeVerifier: string }> {
  const { url, verifier, cookie } = await begin(service, input)
  const { code, error } = await land(service, fake.authorize(url, person), { cookie })
  if (!code) throw new Error(`no code: ${error}`)
  return { code, codeVerifier: verifier }
}

/** Sends a completion, which may be refused. */
export function complete(
  service: Service,
  input: CompleteProviderInput,
  sending?: Sending,
): Promise<Reply<CompleteProviderSignInMutation>> {
  return service.send(CompleteProviderSignIn, { input }, sending)
}

/** A whole sign-in with the provider `provider`. */
export async function signInWith(
  service: Service,
  fake: FakeProvider,
  person: FakeClaims,
  provider = 'sure',
  input: Partial<CompleteProviderInput> = {},
): Promise<CompleteProviderSignInMutation['completeProviderSignIn']> {
  const reply = await complete(service, { ...(await codeFor(service, fake, person, { provider })), ...input })
  expect(codes(reply)).toEqual([])
  if (!reply.data) throw new Error('no answer')
  return reply.data.completeProviderSignIn
}

/** The same, for a sign-in that starts a session. */
export async function signedInWith(...args: Parameters<typeof signInWith>) {
  const result = await signInWith(...args)
  if (result.__typename !== 'AuthPayload') throw new Error(`not signed in: ${result.__typename}`)
  return result
}
