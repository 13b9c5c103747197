import { TOTP } from 'otpauth'
import { displayRecoveryCode, newRecoveryCodes } from '../../src/credentials/recovery-codes.ts'
import { newTotpSecret, totpSecretText } from '../../src/credentials/totp.ts'
import { sealTotpSecret } from '../../src/credentials/totp-proof.ts'
import type { CompleteLoginMutation, LoginInput, LoginStepsMutation } from '../generated/graphql.ts'
import { PASSWORD } from './actors.ts'
import { CompleteLogin, LoginSteps } from './operations.ts'
import type { Reply, Sending, Service } from './service.ts'

/** An authenticator app, which knows the secret and the time of the service. */
export class AuthenticatorApp {
  readonly #totp: TOTP
  readonly #service: Service

  constructor(service: Service, secret: string) {
    this.#totp = new TOTP({ secret })
    this.#service = service
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
