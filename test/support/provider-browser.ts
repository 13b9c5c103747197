import { createHash, randomBytes } from 'node:crypto'
import type { FakeClaims, FakeProvider } from './fake-provider.ts'
import type { Reply, Sending, Service } from './service.ts'

export const RETURN_TO = 'http://localhost:4000/after'

const START = `
  mutation StartProviderSignIn($input: StartProviderInput!) {
    startProviderSignIn(input: $input) { url expiresAt }
  }
`

const RESULT = `
  __typename
  ... on AuthPayload {
    accessToken refreshToken deviceToken
    session { id strength methods }
    user { id email emailVerified displayName hasPassword identities { id provider email } }
  }
  ... on SecondFactorRequired { ticket methods }
  ... on ProviderSignUpRequired { ticket provider email displayName expiresAt }
  ... on ProviderLinkRequired { ticket provider address: email expiresAt }
`

const COMPLETE = `
  mutation CompleteProviderSignIn($input: CompleteProviderInput!) {
    completeProviderSignIn(input: $input) { ${RESULT} }
  }
`

const SIGN_UP = `
  mutation CompleteProviderSignUp($input: CompleteSignUpInput!) {
    completeProviderSignUp(input: $input) {
      __typename
      ... on AuthPayload { accessToken refreshToken session { id } user { id email emailVerified } }
      ... on EmailVerificationRequired { email }
    }
  }
`

export type ProviderResult = {
  __typename: string
  accessToken?: string
  refreshToken?: string
  ticket?: string
  /** What the provider said, for a sign-up. */
  email?: string | null
  /** That of the account, for a link. */
  address?: string
  methods?: string[]
  session?: { id: string; strength: string; methods: string[] }
  user?: {
    id: string
    email: string
    emailVerified: boolean
    displayName: string | null
    hasPassword: boolean
    identities: { id: string; provider: string; email: string | null }[]
  }
}

/** A sign-in with a provider that has begun. */
export type Begun = {
  /** The page of the provider. */
  url: URL
  /** The client's own verifier. */
  verifier: string
  /** The cookie that binds the flow to a browser, as that browser sends it; undefined for an app. */
  cookie: string | undefined
}

export type StartInput = Partial<{
  provider: string
  returnTo: string
  codeChallenge: string
  loginHint: string
  tokenTransport: 'BODY' | 'COOKIE'
}>

/** Sends the start of a sign-in, which may be refused. */
export function startSignIn(
  service: Service,
  input: StartInput = {},
  sending?: Sending,
): Promise<Reply<{ startProviderSignIn: { url: string; expiresAt: string } }>> {
  const given = { provider: 'corp', returnTo: RETURN_TO, codeChallenge: challengeOf(newVerifier()), ...input }
  return service.send(START, { input: given }, sending)
}

export function newVerifier(): string {
  return randomBytes(32).toString('base64url')
}

export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

/** Begins a sign-in, as a client does. */
export async function begin(service: Service, input: StartInput = {}, sending?: Sending): Promise<Begun> {
  const verifier = newVerifier()
  const codeChallenge = challengeOf(verifier)
  const { data, errors, headers } = await startSignIn(service, { codeChallenge, ...input }, sending)
  if (!data) throw new Error(`not begun: ${JSON.stringify(errors)}`)
  const cookie = headers.getSetCookie().find(text => text.includes('authograph_flow_'))
  return { url: new URL(data.startProviderSignIn.url), verifier, cookie: cookie?.split(';')[0] }
}

export type Landing = {
  status: number
  /** Where the browser is sent. */
  location: URL | undefined
  code: string | null
  error: string | null
  /** What the person sees if it is sent nowhere. */
  text: string
  headers: Headers
}

/** Opens the address that the provider sent the browser back to, and follows no redirect. */
export async function comeBack(
  service: Pick<Service, 'url'>,
  back: URL | string,
  {
    cookie,
    post = false,
    headers = {},
  }: { cookie?: string | undefined; post?: boolean; headers?: Record<string, string> } = {},
): Promise<Landing> {
  const { pathname, search, searchParams } = new URL(back)
  const response = await fetch(`${service.url}${pathname}${post ? '' : search}`, {
    redirect: 'manual',
    headers: { ...(cookie && { cookie }), ...headers },
    ...(post && { method: 'POST', body: searchParams }),
  })
  const location = response.headers.get('location')
  const url = location ? new URL(location) : undefined
  return {
    status: response.status,
    location: url,
    code: url?.searchParams.get('provider_code') ?? null,
    error: url?.searchParams.get('provider_error') ?? null,
    text: await response.text(),
    headers: response.headers,
  }
}

/** Sends the completion of a sign-in, which may be refused. */
export function complete(
  service: Service,
  code: string | null,
  codeVerifier: string,
  input: Record<string, unknown> = {},
  sending?: Sending,
): Promise<Reply<{ completeProviderSignIn: ProviderResult }>> {
  return service.send(COMPLETE, { input: { code: code ?? '', codeVerifier, ...input } }, sending)
}

/** Sends the sign-up of an identity that needs an address. */
export function signUpWithTicket(
  service: Service,
  ticket: string | undefined,
  email: string,
): Promise<Reply<{ completeProviderSignUp: ProviderResult }>> {
  return service.send(SIGN_UP, { input: { ticket, email } })
}

/** A whole sign-in of this person, up to what the completion returns. */
export async function signInWith(
  service: Service,
  fake: FakeProvider,
  person: FakeClaims,
  input: StartInput = {},
): Promise<Reply<{ completeProviderSignIn: ProviderResult }>> {
  const { url, verifier, cookie } = await begin(service, input)
  const { code, error } = await comeBack(service, fake.authorize(url, person), { cookie })
  if (!code) throw new Error(`the callback refused: ${error}`)
  return complete(service, code, verifier)
}

/** What a whole sign-in of this person returns. */
export async function resultOf(
  service: Service,
  fake: FakeProvider,
  person: FakeClaims,
  input: StartInput = {},
): Promise<ProviderResult> {
  const { data, errors } = await signInWith(service, fake, person, input)
  if (!data) throw new Error(`not completed: ${JSON.stringify(errors)}`)
  return data.completeProviderSignIn
}

/** A person at a provider whom no account knows. */
export function newPerson(more: FakeClaims = {}): FakeClaims & { sub: string; email: string } {
  const name = randomBytes(6).toString('hex')
  return {
    sub: `sub-${name}`,
    email: `${name}@example.com`,
    email_verified: true,
    name: `Ada ${name}`,
    ...more,
  }
}
