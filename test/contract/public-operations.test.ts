import { expect, test } from '@jest/globals'
import { getMetadataStorage } from 'type-graphql'
import { createSchema } from '../../src/graphql/schema.ts'
import { examples } from '../support/examples.ts'
import { codes, useService } from '../support/service.ts'

/** The operations available without signing in. All others must be guarded. */
const publicOperations = [
  'Mutation.addPasskey',
  'Mutation.beginPasskey',
  'Mutation.beginPasskeyLogin',
  'Mutation.beginPasskeyRegistration',
  'Mutation.beginTotp',
  'Mutation.cancelFactorRecovery',
  'Mutation.checkPassword',
  'Mutation.completeLogin',
  'Mutation.completeProviderSignIn',
  'Mutation.completeProviderSignUp',
  'Mutation.confirmEmailChange',
  'Mutation.confirmTotp',
  'Mutation.createProviderNonce',
  'Mutation.login',
  'Mutation.loginWithEmail',
  'Mutation.loginWithPasskey',
  'Mutation.logout',
  'Mutation.refreshToken',
  'Mutation.register',
  'Mutation.registerWithPasskey',
  'Mutation.requestEmailLogin',
  'Mutation.requestFactorRecovery',
  'Mutation.requestPasswordReset',
  'Mutation.resendVerificationEmail',
  'Mutation.resetPassword',
  'Mutation.sendEmailCode',
  'Mutation.signInWithIdToken',
  'Mutation.startProviderSignIn',
  'Mutation.undoEmailChange',
  'Mutation.verifyEmail',
  'Query.authSettings',
  'Query.emailLink',
]

const service = useService()

test('only the listed operations have no @Authorized', () => {
  createSchema()
  const { queries, mutations, subscriptions } = getMetadataStorage()
  const named = [
    ...queries.map(handler => ({ name: `Query.${handler.schemaName}`, handler })),
    ...mutations.map(handler => ({ name: `Mutation.${handler.schemaName}`, handler })),
    ...subscriptions.map(handler => ({ name: `Subscription.${handler.schemaName}`, handler })),
  ]
  const open = named.filter(({ handler }) => handler.roles === undefined)
  expect(open.map(({ name }) => name).sort()).toEqual(publicOperations)
})

test('every other operation answers UNAUTHENTICATED without a session', async () => {
  const guarded = examples(createSchema()).filter(({ coordinate }) => !publicOperations.includes(coordinate))
  for (const { coordinate, text } of guarded) {
    const id = '00000000-0000-7000-8000-000000000000'
    const given = {
      id,
      sessionId: id,
      apiKeyId: id,
      ticket: 'x',
      code: 'x',
      verifier: 'x',
      challenge: 'x',
      idToken: 'x',
      nonce: 'x',
    }
    const reply = await service.send(text, given)
    expect([coordinate, ...codes(reply)]).toEqual([coordinate, 'UNAUTHENTICATED'])
    expect(reply.errors[0]?.extensions.reason).toBe('MISSING')
  }
  expect(guarded.length).toBeGreaterThan(5)
})
