import { expect, test } from '@jest/globals'
import { Register } from '../support/operations.ts'
import { PASSWORD, useService } from '../support/service.ts'

const service = useService()

test('a new account is signed in at once, with the tokens in the payload', async () => {
  const { data, errors } = await service.send(Register, {
    input: {
      email: ' Ada@Example.com ',
      password: PASSWORD,
      username: 'Ada',
      displayName: 'Ada L.',
      locale: 'ko',
    },
  })
  expect(errors).toEqual([])
  expect(data?.register).toMatchObject({
    __typename: 'AuthPayload',
    tokenType: 'Bearer',
    session: { current: true, revokedAt: null },
    user: {
      email: 'Ada@Example.com',
      username: 'ada',
      displayName: 'Ada L.',
      locale: 'ko',
      roles: ['user'],
      permissions: [],
    },
  })
})
