import { TOTP } from 'otpauth'
import { displayRecoveryCode, newRecoveryCodes } from '../../src/credentials/recovery-codes.ts'
import { newTotpSecret, totpSecretText } from '../../src/credentials/totp.ts'
import { sealTotpSecret } from '../../src/credentials/totp-proof.ts'
import type { CompleteLoginMutation, LoginInput, LoginStepsMutation } from '../generated/graphql.ts'
import { as, PASSWORD, type SignedIn } from './actors.ts'
import { BeginTotp, CompleteLogin, ConfirmTotp, LoginSteps, SendEmailCode } from './operations.ts'
import { codes, type Reply, type Sending, type Service } from './service.ts'

/** An authenticator app, which knows the secret and the time of the service. */
export class AuthenticatorApp {
  readonly #totp: TOTP
  readonly #service: Pick<Service, 'clock'>

  constructor(
    service: Pick<Service, 'clock'>,
    /** In base32. */
    readonly secret: string,
  ) {
    this.#totp = new TOTP({ secret })
    this.#service = service
  }

  get bytes(): Buffer {
    return Buffer.from(this.#totp.secret.bytes)
  }

  /** The code of the present, or of a number of steps later. */
  code(steps = 0): string {
    return this.#totp.generate({ timestamp: this.#service.clock.now().getTime() + steps * 30_000 })
  }
}

/** Gives an account an authenticator app without the steps of adding one. */
export async function haveTotp(service: Service, userId: string): Promise<AuthenticatorApp> {
  const secret = newTotpSecret()
  const row = { algorithm: 'SHA1', digits: 6, periodSeconds: 30, lastStep: 0 }
  const sealedSecret = sealTotpSecret(service.app, userId, secret)
  await service.app.db.totp.create({ data: { userId, sealedSecret, ...row, createdAt: service.clock.now() } })
  return new AuthenticatorApp(service, totpSecretText(secret))
}

/** Gives an account recovery codes without the steps of creating them. */
export async function haveRecoveryCodes({ app }: Service, userId: string): Promise<string[]> {
  const codes = newRecoveryCodes()
  const data = await Promise.all(
    codes.map(async ({ slot, code }) => ({ userId, slot, hash: await app.hasher.hash(code) })),
  )
  await app.db.recoveryCode.createMany({ data })
  return codes.map(({ code }) => displayRecoveryCode(code))
}

/** Sends the first step of a sign-in, which may demand a second one. */
export function firstStep(
  service: Service,
  identifier: string,
  input: Partial<LoginInput> = {},
  sending?: Sending,
): Promise<Reply<LoginStepsMutation>> {
  return service.send(LoginSteps, { input: { identifier, password: PASSWORD, ...input } }, sending)
}

/** The ticket of a first step that demands a second one. */
export async function ticketOf(
  service: Service,
  identifier: string,
  input?: Partial<LoginInput>,
): Promise<string> {
  const { data, errors } = await firstStep(service, identifier, input)
  if (data?.login.__typename !== 'SecondFactorRequired') throw new Error(JSON.stringify(data ?? errors))
  return data.login.ticket
}

/** Sends the second step of a sign-in. */
export function secondStep(
  service: Service,
  ticket: string,
  proof: { totpCode?: string; recoveryCode?: string; password?: string; emailCode?: string },
  sending?: Sending,
): Promise<Reply<CompleteLoginMutation>> {
  return service.send(CompleteLogin, { input: { ticket, proof } }, sending)
}

/** The newest code to add a factor in the emails to an address. */
export async function mailedCode(service: Service, address: string): Promise<string> {
  const emails = await service.mailsTo(address)
  const [code] = emails.flatMap(({ text }) => text?.match(/^\d{6}$/m) ?? []).slice(-1)
  if (code === undefined) throw new Error(`no code in: ${emails.map(({ subject }) => subject).join(', ')}`)
  return code
}

/** Sends a code to the address of an account, for its session, and returns it. */
export async function emailedCode(service: Service, account: SignedIn): Promise<string> {
  const sent = await service.send(SendEmailCode, {}, as(account))
  if (codes(sent).length > 0) throw new Error(JSON.stringify(sent.errors))
  return mailedCode(service, account.email)
}

/** Adds an authenticator app in the session of the account, as a person does. */
export async function addTotp(service: Service, account: SignedIn) {
  const emailCode = await emailedCode(service, account)
  const begun = await service.send(BeginTotp, { input: { emailCode } }, as(account))
  const { ticket = '', secret = '' } = begun.data?.beginTotp ?? {}
  const app = new AuthenticatorApp(service, secret)
  const { data, errors } = await service.send(
    ConfirmTotp,
    { input: { ticket, code: app.code() } },
    as(account),
  )
  const added = data?.confirmTotp
  if (!added?.auth.refreshToken) throw new Error(JSON.stringify([begun.errors, errors]))
  const { accessToken, refreshToken } = added.auth
  return { ...account, accessToken, refreshToken, app, recoveryCodes: added.recoveryCodes ?? [] }
}
