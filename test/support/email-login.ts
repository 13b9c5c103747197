import type { LoginWithEmailInput, LoginWithEmailMutation } from '../generated/graphql.ts'
import { LoginWithEmail, RequestEmailLogin } from './operations.ts'
import type { Reply, Sending, Service } from './service.ts'
import { tokenOf } from './smtp.ts'

export type EmailedLogin = { ticket: string; code: string; token: string; text: string }

/** Requests an email to sign in with, and reads it. */
export async function emailedLogin(
  service: Service,
  email: string,
  sending?: Sending,
): Promise<EmailedLogin> {
  const ticket = await ticketFor(service, email, sending)
  const mail = (await service.mailsTo(email)).findLast(({ text }) => text?.includes('/email-login#token='))
  if (!mail?.text) throw new Error(`no email to sign in with was sent to ${email}`)
  const [code] = mail.text.match(/^\d{6}$/m) ?? []
  if (!code) throw new Error(`no code in: ${mail.text}`)
  return { ticket, code, token: tokenOf(mail), text: mail.text }
}

/** Requests an email to sign in with, which an address may not receive. */
export async function ticketFor(service: Service, email: string, sending?: Sending): Promise<string> {
  const { data, errors } = await service.send(RequestEmailLogin, { input: { email } }, sending)
  if (!data) throw new Error(`refused: ${JSON.stringify(errors)}`)
  return data.requestEmailLogin.ticket
}

/** Sends a sign-in by email, which may be refused. */
export function loginWithEmail(
  service: Service,
  input: LoginWithEmailInput,
  sending?: Sending,
): Promise<Reply<LoginWithEmailMutation>> {
  return service.send(LoginWithEmail, { input }, sending)
}

/** A code that differs from this one. */
export function wrong(code: string, by = 1): string {
  return String((Number(code) + by) % 1_000_000).padStart(6, '0')
}
