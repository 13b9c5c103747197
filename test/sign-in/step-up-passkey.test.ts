import { describe, expect, test } from '@jest/globals'
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import { PASSWORD, signIn, signUpVerified } from '../support/actors.ts'
import type { SoftAuthenticator } from '../support/authenticator.ts'
import { AddPasskey, BeginPasskey, BeginPasskeyProof, LoginSteps, StepUp } from '../support/operations.ts'
import { begun, havePasskey, newAuthenticator, passkeyProblem } from '../support/passkeys.ts'
import { codes, useService } from '../support/service.ts'

const service = useService()

async function begin(token: string) {
  const { data, errors } = await service.send(BeginPasskeyProof, {}, { token })
  return begun<PublicKeyCredentialRequestOptionsJSON>(data?.beginPasskeyProof, errors)
}

async function signUpWithPasskey(discoverable = true) {
  const account = await signUpVerified(service)
  return {
    ...account,
    authenticator: await havePasskey(service, account.id, { discoverable, synced: discoverable }),
  }
}

const proofOf = (ticket: string, credential: object) => ({
  passkey: { ticket, credential: credential as Record<string, unknown> },
})

function stepUp(token: string, ...proofs: object[]) {
  return service.send(StepUp, { input: { proofs } }, { token })
}

describe('stepUp with a passkey', () => {
  test('makes a password session phishing-resistant', async () => {
    const { authenticator, accessToken } = await signUpWithPasskey()
    const { ticket, options } = await begin(accessToken)
    expect(options.allowCredentials).toMatchObject([{ id: authenticator.id }])
    const { data, errors } = await stepUp(accessToken, proofOf(ticket, authenticator.get(options)))
    expect(errors).toEqual([])
    expect(data?.stepUp.session).toMatchObject({ strength: 'PHISHING_RESISTANT' })
  })

  test('takes the password too if the key did not verify the person', async () => {
    const { authenticator, accessToken, id } = await signUpWithPasskey(false)
    await service.app.db.session.updateMany({ where: { userId: id }, data: { passwordAt: new Date(0) } })
    const touch = { userVerified: false }
    const first = await begin(accessToken)
    const alone = await stepUp(accessToken, proofOf(first.ticket, authenticator.get(first.options, touch)))
    expect(codes(alone)).toEqual(['STEP_UP_REQUIRED'])
    const both = await stepUp(
      accessToken,
      { password: PASSWORD },
      proofOf(first.ticket, authenticator.get(first.options, touch)),
    )
    expect(codes(both)).toEqual([])
  })

  test('refuses the ceremony of another session, one that was used, and the passkey of another account', async () => {
    const ada = await signUpWithPasskey()
    const other = await signIn(service, ada.email)
    const { ticket, options } = await begin(ada.accessToken)
    const credential = ada.authenticator.get(options)
    expect(codes(await stepUp(other.accessToken, proofOf(ticket, credential)))).toEqual(['TICKET_INVALID'])
    const done = await stepUp(ada.accessToken, proofOf(ticket, credential))
    const token = done.data?.stepUp.accessToken ?? ''
    expect(codes(await stepUp(token, proofOf(ticket, credential)))).toEqual(['TICKET_INVALID'])
    const eve = await signUpWithPasskey()
    const theirs = await begin(eve.accessToken)
    const stolen = await stepUp(
      eve.accessToken,
      proofOf(theirs.ticket, ada.authenticator.get(theirs.options)),
    )
    expect(passkeyProblem(stolen)).toBe('PASSKEY_INVALID REFUSED')
  })

  test('is a CONFLICT to begin without a passkey', async () => {
    const { accessToken } = await signUpVerified(service)
    expect(codes(await service.send(BeginPasskeyProof, {}, { token: accessToken }))).toEqual(['CONFLICT'])
  })
})

describe('a sign-in that must add a factor first', () => {
  async function setUpTicket() {
    const account = await signUpVerified(service)
    await service.app.db.user.update({ where: { id: account.id }, data: { enrollmentRequired: true } })
    const input = { identifier: account.email, password: PASSWORD }
    const { data } = await service.send(LoginSteps, { input })
    if (data?.login.__typename !== 'SecondFactorSetupRequired') throw new Error(JSON.stringify(data))
    return { ...account, ticket: data.login.ticket, methods: data.login.methods }
  }

  async function emailedCode(email: string, ticket: string): Promise<string> {
    await service.send('mutation ($ticket: String!) { sendEmailCode(input: { ticket: $ticket }) }', {
      ticket,
    })
    const text = (await service.mailsTo(email)).at(-1)?.text ?? ''
    return /\b\d{3} ?\d{3}\b/.exec(text)?.[0] ?? ''
  }

  async function create(ticket: string, emailCode: string, authenticator: SoftAuthenticator) {
    const { data, errors } = await service.send(BeginPasskey, { input: { ticket, emailCode } })
    const begunCeremony = begun<PublicKeyCredentialCreationOptionsJSON>(data?.beginPasskey, errors)
    const credential = authenticator.create(begunCeremony.options) as unknown as Record<string, unknown>
    return service.send(AddPasskey, { input: { passkey: { ticket: begunCeremony.ticket, credential } } })
  }

  test('can add a passkey with the emailed code, and is then signed in', async () => {
    const { id, email, ticket, methods } = await setUpTicket()
    expect(methods).toEqual(['PASSKEY', 'SECURITY_KEY', 'TOTP'])
    const code = await emailedCode(email, ticket)
    const { data, errors } = await create(ticket, code, newAuthenticator(service))
    expect(errors).toEqual([])
    expect(data?.addPasskey).toMatchObject({
      auth: { user: { id }, session: { strength: 'PHISHING_RESISTANT' } },
      recoveryCodes: expect.any(Array),
    })
  })

  test('can’t without the emailed code', async () => {
    const { ticket } = await setUpTicket()
    expect(codes(await service.send(BeginPasskey, { input: { ticket } }))).toEqual(['STEP_UP_REQUIRED'])
    expect(codes(await service.send(BeginPasskey, { input: { ticket, emailCode: '000000' } }))).toEqual([
      'CODE_INVALID',
    ])
  })
})
