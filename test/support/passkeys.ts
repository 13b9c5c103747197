import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import type {
  BeginPasskeyInput,
  LoginWithPasskeyInput,
  LoginWithPasskeyMutation,
} from '../generated/graphql.ts'
import { type Ceremony, SoftAuthenticator } from './authenticator.ts'
import { AddPasskey, BeginPasskey, BeginPasskeyLogin, LoginWithPasskey } from './operations.ts'
import type { Reply, Sending, Service } from './service.ts'

/** An authenticator that has no credential of the service yet. */
export function newAuthenticator({ app }: Service, options?: { synced?: boolean }): SoftAuthenticator {
  return new SoftAuthenticator(app.config.publicUrl, options)
}

/** Gives an account a passkey, or a security key, without the steps of adding one. */
export async function havePasskey(
  service: Service,
  userId: string,
  { synced = true, discoverable = true } = {},
): Promise<SoftAuthenticator> {
  const authenticator = newAuthenticator(service, { synced })
  const userHandle = crypto.getRandomValues(new Uint8Array(32))
  await service.app.db.passkey.create({
    data: {
      userId,
      userHandle,
      credentialId: new Uint8Array(authenticator.credentialId),
      publicKey: new Uint8Array(authenticator.coseKey),
      counter: 0,
      backupEligible: synced,
      backedUp: synced,
      discoverable,
      transports: ['internal'],
      aaguid: '00000000-0000-0000-0000-000000000000',
      rpId: service.app.config.passkeys.rpId,
      name: 'Phone',
      createdAt: service.clock.now(),
    },
  })
  return discoverable ? authenticator.adopt(Buffer.from(userHandle).toString('base64url')) : authenticator
}

export type Begun<Options> = { ticket: string; options: Options }

/** Begins a sign-in with a passkey. */
export async function beginLogin(service: Service): Promise<Begun<PublicKeyCredentialRequestOptionsJSON>> {
  const { data, errors } = await service.send(BeginPasskeyLogin)
  return begun(data?.beginPasskeyLogin, errors)
}

/** The ceremony in an answer. */
export function begun<
  Options extends PublicKeyCredentialRequestOptionsJSON | PublicKeyCredentialCreationOptionsJSON,
>(ceremony: { ticket: string; options: unknown } | undefined, errors: unknown): Begun<Options> {
  if (!ceremony) throw new Error(`not begun: ${JSON.stringify(errors)}`)
  return ceremony as Begun<Options>
}

/** Sends a browser's answer, which may be refused. */
export function answerLogin(
  service: Service,
  ticket: string,
  credential: object,
  input: Partial<LoginWithPasskeyInput> = {},
  sending?: Sending,
): Promise<Reply<LoginWithPasskeyMutation>> {
  const passkey = { ticket, credential: credential as Record<string, unknown> }
  return service.send(LoginWithPasskey, { input: { ...input, passkey } }, sending)
}

/** Signs in with a passkey from beginning to end. It may be refused. */
export async function passkeyLogin(
  service: Service,
  authenticator: SoftAuthenticator,
  ceremony: Ceremony = {},
  input?: Partial<LoginWithPasskeyInput>,
): Promise<Reply<LoginWithPasskeyMutation>> {
  const { ticket, options } = await beginLogin(service)
  return answerLogin(service, ticket, authenticator.get(options, ceremony), input)
}

/** The reason of a PASSKEY_INVALID error. */
export function passkeyProblem({ errors }: Reply<unknown>): string | undefined {
  const [error] = errors
  return error && `${error.extensions.code} ${error.extensions.reason ?? ''}`.trim()
}

type Token = { accessToken: string }

/** Begins to add a passkey. It may be refused. */
export function beginAdding(service: Service, { accessToken: token }: Token, input: BeginPasskeyInput = {}) {
  return service.send(BeginPasskey, { input }, { token })
}

/** Sends a browser's new credential. */
export function answerAdding(
  service: Service,
  { accessToken: token }: Token,
  ticket: string,
  credential: object,
  name?: string,
) {
  const passkey = { ticket, credential: credential as Record<string, unknown> }
  return service.send(AddPasskey, { input: { passkey, ...(name !== undefined && { name }) } }, { token })
}

/** Adds a passkey from beginning to end, in a session that may. The answer may be refused. */
export async function addPasskey(
  service: Service,
  account: Token,
  { ceremony, input, name }: { ceremony?: Ceremony; input?: BeginPasskeyInput; name?: string } = {},
) {
  const authenticator = newAuthenticator(service)
  const { data, errors } = await beginAdding(service, account, input)
  const { ticket, options } = begun<PublicKeyCredentialCreationOptionsJSON>(data?.beginPasskey, errors)
  const credential = authenticator.create(options, ceremony)
  return { authenticator, options, reply: await answerAdding(service, account, ticket, credential, name) }
}
