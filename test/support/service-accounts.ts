import { as, type SignedIn } from './actors.ts'
import type { Service } from './service.ts'

export type NewServiceAccount = {
  name?: string
  roles?: string[]
  audiences?: string[]
  publicKeys?: string[]
}

/** A service account with its secret. */
export type TestClient = { id: string; name: string; secret: string }

let count = 0

/** A new service account, which `admin` creates. */
export async function newServiceAccount(
  service: Service,
  admin: SignedIn,
  input: NewServiceAccount = {},
): Promise<TestClient> {
  count += 1
  const { data, errors } = await service.send<
    { createServiceAccount: { serviceAccount: { id: string; name: string }; secret: string | null } },
    object
  >(
    'mutation ($input: ServiceAccountInput!) { createServiceAccount(input: $input) { serviceAccount { id name } secret } }',
    { input: { name: `service ${count}`, ...input } },
    as(admin),
  )
  if (!data) throw new Error(JSON.stringify(errors))
  const { serviceAccount, secret } = data.createServiceAccount
  return { ...serviceAccount, secret: secret ?? '' }
}

export type OAuthReply = {
  status: number
  headers: Headers
  body: Record<string, unknown> & { access_token?: string; error?: string; error_description?: string }
}

type Parameters = Record<string, string> | [string, string][]

/** Sends a form to an endpoint, such as `token`. */
export async function post(
  service: Service,
  endpoint: 'token' | 'introspect' | 'revoke',
  form: Parameters,
  headers: Record<string, string> = {},
): Promise<OAuthReply> {
  const body = new URLSearchParams(form)
  const response = await fetch(`${service.url}/oauth/${endpoint}`, { method: 'POST', body, headers })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} }
}

/** The header of client_secret_basic, without the encoding of the parts. */
export function basic({ id, secret }: Pick<TestClient, 'id' | 'secret'>): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
}

/** An access token of the service account. */
export async function tokenOf(
  service: Service,
  client: TestClient,
  parameters: Record<string, string> = {},
): Promise<string> {
  const reply = await post(
    service,
    'token',
    { grant_type: 'client_credentials', ...parameters },
    basic(client),
  )
  if (!reply.body.access_token) throw new Error(JSON.stringify(reply.body))
  return reply.body.access_token
}
