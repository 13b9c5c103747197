import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import type { LoginWithPasskeyInput, LoginWithPasskeyMutation } from '../generated/graphql.ts'
import { type Ceremony, SoftAuthenticator } from './authenticator.ts'
import { BeginPasskeyLogin, LoginWithPasskey } from './operations.ts'
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
