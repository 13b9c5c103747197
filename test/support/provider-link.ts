import type { DocumentNode } from 'graphql'
import type { CompleteProviderInput } from '../generated/graphql.ts'
import type { FakeClaims, FakeProvider } from './fake-provider.ts'
import {
  CompleteProviderLink,
  CompleteProviderReauthentication,
  StartProviderLink,
  StartProviderReauthentication,
} from './operations.ts'
import { land, newVerifier, RETURN_TO } from './provider-sign-in.ts'
import { codes, type Service } from './service.ts'

type Token = { accessToken: string }

/** Sends the start of a flow in a session, which may be refused. */
export async function startAs(
  service: Service,
  document: DocumentNode,
  { accessToken: token }: Token,
  provider = 'sure',
) {
  const { verifier, challenge: codeChallenge } = newVerifier()
  const input = { provider, returnTo: RETURN_TO, codeChallenge }
  const reply = await service.send<Record<string, { url: string }>, object>(document, { input }, { token })
  return { verifier, reply, url: Object.values(reply.data ?? {})[0]?.url }
}

async function codeAs(
  service: Service,
  fake: FakeProvider,
  document: DocumentNode,
  account: Token,
  person: FakeClaims,
  provider?: string,
): Promise<CompleteProviderInput> {
  const { verifier, reply, url } = await startAs(service, document, account, provider)
  if (!url) throw new Error(`not begun: ${codes(reply)}`)
  const { code, error } = await land(service, fake.authorize(new URL(url), person))
  if (!code) throw new Error(`no code: ${error}`)
  return { code, codeVerifier: verifier }
}

/** Everything of a link up to the code. */
export function linkCode(
  service: Service,
  fake: FakeProvider,
  account: Token,
  person: FakeClaims,
  provider?: string,
): Promise<CompleteProviderInput> {
  return codeAs(service, fake, StartProviderLink, account, person, provider)
}

/** Sends the completion of a link, which may be refused. */
export function completeLink(service: Service, { accessToken: token }: Token, input: CompleteProviderInput) {
  return service.send(CompleteProviderLink, { input }, { token })
}

/** Everything of a reauthentication up to the code. */
export function confirmCode(
  service: Service,
  fake: FakeProvider,
  account: Token,
  person: FakeClaims,
): Promise<CompleteProviderInput> {
  return codeAs(service, fake, StartProviderReauthentication, account, person)
}

/** Sends the completion of a reauthentication, which may be refused. */
export function completeConfirm(
  service: Service,
  { accessToken: token }: Token,
  input: CompleteProviderInput,
) {
  return service.send(CompleteProviderReauthentication, { input }, { token })
}
