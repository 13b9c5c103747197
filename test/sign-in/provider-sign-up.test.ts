import { expect, test } from '@jest/globals'
import type { CompleteSignUpInput } from '../generated/graphql.ts'
import { newAddress, newUsername, signUpVerified } from '../support/actors.ts'
import { actionsOf } from '../support/audit.ts'
import { mailedToken } from '../support/mails.ts'
import { CompleteProviderSignUp, VerifyEmail } from '../support/operations.ts'
import {
  codeFor,
  complete,
  signedInWith,
  signInWith,
  someone,
  useProviders,
} from '../support/provider-sign-in.ts'
import { codes } from '../support/service.ts'

const { service, fake } = useProviders({ EMAIL_VERIFICATION: 'required' })
const lenient = useProviders()

/** The ticket of a person whose provider answers for no address. */
async function ticketOf(on: typeof lenient, person = someone()): Promise<string> {
  const result = await signInWith(on.service, on.fake, person, 'corp')
  if (result.__typename !== 'ProviderSignUpRequired') throw new Error(`not to sign up: ${result.__typename}`)
  return result.ticket
}

function signUp(on: Pick<typeof lenient, 'service'>, input: CompleteSignUpInput) {
  return on.service.send(CompleteProviderSignUp, { input })
}

test('the sign-up suggests what the provider said', async () => {
  const person = someone({ name: 'Ada Lovelace' })
  const result = await signInWith(service, fake, person, 'corp')
  expect(result).toMatchObject({
    __typename: 'ProviderSignUpRequired',
    email: person.email,
    displayName: 'Ada Lovelace',
  })
})

test('without required verification, the sign-up creates an unverified account with the identity, and signs in', async () => {
  const person = someone()
  const email = newAddress()
  const username = newUsername()
  const reply = await signUp(lenient, {
    ticket: await ticketOf(lenient, person),
    email,
    username,
    locale: 'ko',
  })
  const payload = reply.data?.completeProviderSignUp
  expect(payload).toMatchObject({
    __typename: 'AuthPayload',
    session: { methods: ['PROVIDER'], strength: 'SINGLE' },
    user: { email, username, locale: 'ko', displayName: 'Ada', emailVerified: false, hasPassword: false },
  })
  const again = await signedInWith(lenient.service, lenient.fake, person, 'corp')
  expect(again.user.email).toBe(email)
})

test('a code that led to a ticket starts no session later', async () => {
  const person = someone()
  const input = await codeFor(lenient.service, lenient.fake, person, { provider: 'corp' })
  const first = await complete(lenient.service, input)
  const again = await complete(lenient.service, input)
  for (const { data } of [first, again])
    expect(data?.completeProviderSignIn.__typename).toBe('ProviderSignUpRequired')
  const result = first.data?.completeProviderSignIn
  const ticket = result?.__typename === 'ProviderSignUpRequired' ? result.ticket : ''
  expect(codes(await signUp(lenient, { ticket, email: newAddress() }))).toEqual([])
  expect(codes(await complete(lenient.service, input))).toEqual(['TOKEN_INVALID'])
})

test('the ticket of a code is not repeated after a minute', async () => {
  const input = await codeFor(lenient.service, lenient.fake, someone(), { provider: 'corp' })
  expect(codes(await complete(lenient.service, input))).toEqual([])
  lenient.service.clock.advance(61)
  expect(codes(await complete(lenient.service, input))).toEqual(['TOKEN_INVALID'])
})

test('a ticket creates one account', async () => {
  const ticket = await ticketOf(lenient)
  const replies = await Promise.all(
    [newAddress(), newAddress()].map(email => signUp(lenient, { ticket, email })),
  )
  const failed = replies.flatMap(codes)
  expect(failed).toHaveLength(1)
  expect(['TOKEN_INVALID', 'IDENTITY_TAKEN']).toContain(failed[0])
})

test('an address with an account is refused', async () => {
  const ada = await signUpVerified(lenient.service)
  const reply = await signUp(lenient, { ticket: await ticketOf(lenient), email: ada.email })
  expect(codes(reply)).toEqual(['EMAIL_TAKEN'])
  expect(await lenient.service.app.db.identity.count({ where: { userId: ada.id } })).toBe(0)
})

test('an identity that has an account by now is refused', async () => {
  const person = someone()
  const [one, two] = [await ticketOf(lenient, person), await ticketOf(lenient, person)]
  expect(codes(await signUp(lenient, { ticket: one, email: newAddress() }))).toEqual([])
  expect(codes(await signUp(lenient, { ticket: two, email: newAddress() }))).toEqual(['IDENTITY_TAKEN'])
})

test.each([
  ['a made-up ticket', async () => 'made-up'],
  [
    'the ticket of a link',
    async () => {
      const { email } = await signUpVerified(lenient.service)
      const result = await signInWith(lenient.service, lenient.fake, someone({ email }), 'verifying')
      if (result.__typename !== 'ProviderLinkRequired') throw new Error(result.__typename)
      return result.ticket
    },
  ],
])('%s creates nothing', async (_name, ticket) => {
  expect(codes(await signUp(lenient, { ticket: await ticket(), email: newAddress() }))).toEqual([
    'TOKEN_INVALID',
  ])
})

test('a ticket expires', async () => {
  const ticket = await ticketOf(lenient)
  lenient.service.clock.advance(3601)
  expect(codes(await signUp(lenient, { ticket, email: newAddress() }))).toEqual(['TOKEN_INVALID'])
})

test('invalid input is named', async () => {
  const reply = await signUp(lenient, { ticket: await ticketOf(lenient), email: 'ada', username: '!' })
  expect(Object.keys(reply.errors[0]?.extensions.fields ?? {})).toEqual(['input.email', 'input.username'])
})

test('where addresses are verified first, an address with an account gets the same answer', async () => {
  const ada = await signUpVerifiedHere()
  for (const email of [ada.email, newAddress()]) {
    const reply = await signUp({ service }, { ticket: await ticketOf({ service, fake }), email })
    expect(reply.data?.completeProviderSignUp).toEqual({ __typename: 'EmailVerificationRequired', email })
  }
  expect(await service.app.db.identity.count({ where: { userId: ada.id } })).toBe(1)
})

test('the link alone creates the account without the identity', async () => {
  const person = someone()
  const email = newAddress()
  await signUp({ service }, { ticket: await ticketOf({ service, fake }, person), email })
  const token = await mailedToken(service, email, 'verify-email')
  const reply = await service.send(VerifyEmail, { input: { token } })
  const id = reply.data?.verifyEmail.id ?? ''
  expect(await service.app.db.identity.count({ where: { userId: id } })).toBe(0)
  const again = await signInWith(service, fake, person, 'corp')
  expect(again.__typename).toBe('ProviderSignUpRequired')
})

test('the link with the ticket of the client that began connects the identity', async () => {
  const person = someone()
  const email = newAddress()
  const ticket = await ticketOf({ service, fake }, person)
  await signUp({ service }, { ticket, email })
  const token = await mailedToken(service, email, 'verify-email')
  const reply = await service.send(VerifyEmail, { input: { token, ticket } })
  const { user } = await signedInWith(service, fake, person, 'corp')
  expect(user).toMatchObject({ id: reply.data?.verifyEmail.id, email, emailVerified: true })
  expect(await actionsOf(service, user.id)).toContain('identity.linked')
})

test('the ticket of another sign-up connects nothing', async () => {
  const stranger = someone()
  const email = newAddress()
  await signUp({ service }, { ticket: await ticketOf({ service, fake }), email })
  const token = await mailedToken(service, email, 'verify-email')
  const ticket = await ticketOf({ service, fake }, stranger)
  const reply = await service.send(VerifyEmail, { input: { token, ticket } })
  expect(codes(reply)).toEqual([])
  expect((await signInWith(service, fake, stranger, 'corp')).__typename).toBe('ProviderSignUpRequired')
})

async function signUpVerifiedHere() {
  const email = newAddress()
  const { user } = await signedInWith(service, fake, someone({ email }))
  return user
}
