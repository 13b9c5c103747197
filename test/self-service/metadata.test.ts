import { describe, expect, test } from '@jest/globals'
import { type SignedIn, signUp, signUpWith } from '../support/actors.ts'
import { Metadata, SetMetadata, UpdateProfile } from '../support/operations.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, useService } from '../support/service.ts'

const service = useService()

const set = ({ accessToken: token }: SignedIn, publicMetadata: unknown) =>
  service.send(
    SetMetadata,
    { input: { publicMetadata: publicMetadata as Record<string, unknown> } },
    { token },
  )
const read = async ({ id }: SignedIn, { accessToken: token }: SignedIn) =>
  service.send(Metadata, { id }, { token })

/** An object with this many levels. */
const nested = (levels: number): object => (levels === 1 ? {} : { a: nested(levels - 1) })

test('a new account has no metadata', async () => {
  const [account, admin] = [await signUp(service), await signUpWith(service, 'support')]
  expect((await read(account, admin)).data?.user).toEqual({ publicMetadata: {}, privateMetadata: {} })
})

test('the owner replaces the public metadata as a whole', async () => {
  const account = await signUp(service)
  const values = { theme: 'dark', nested: { list: [1, 2.5, null, true, '한국어 🦊'] }, '': '' }
  expect((await set(account, values)).data?.updateProfile.publicMetadata).toEqual(values)
  expect((await set(account, { other: 1 })).data?.updateProfile.publicMetadata).toEqual({ other: 1 })
  await service.send(UpdateProfile, { input: { displayName: 'Ada' } }, { token: account.accessToken })
  expect((await set(account, null)).data?.updateProfile.publicMetadata).toEqual({ other: 1 })
  expect((await set(account, {})).data?.updateProfile.publicMetadata).toEqual({})
})

test('metadata can be a literal in the document', async () => {
  const { accessToken: token } = await signUp(service)
  const text = 'mutation { updateProfile(input: { publicMetadata: { a: [{ b: 1 }] } }) { publicMetadata } }'
  const { data } = await service.send(text, {}, { token })
  expect(data).toEqual({ updateProfile: { publicMetadata: { a: [{ b: 1 }] } } })
})

test('holders of users:read see the private metadata, but the owner does not', async () => {
  const account = await signUp(service)
  await service.app.db.user.update({ where: { id: account.id }, data: { privateMetadata: { plan: 'gold' } } })
  const support = await signUpWith(service, 'support')
  expect((await read(account, support)).data?.user?.privateMetadata).toEqual({ plan: 'gold' })
  expect(codes(await read(account, account))).toEqual(['FORBIDDEN'])
})

test('the private metadata is not part of the profile', async () => {
  const { accessToken: token } = await signUp(service)
  const text = 'mutation { updateProfile(input: { privateMetadata: { plan: "gold" } }) { id } }'
  expect(codes(await service.send(text, {}, { token }))).toEqual(['BAD_USER_INPUT'])
})

describe('is rejected, and nothing changes:', () => {
  test.each<[string, unknown, RegExp]>([
    ['more than 8 KiB', { a: 'x'.repeat(8185) }, /at most 8192 bytes. This object has 8193 bytes/],
    ['more than 8 KiB, counted in bytes', { a: '한'.repeat(2729) }, /at most 8192 bytes/],
    ['more than 8 levels', nested(9), /8 levels/],
    ['very many levels', nested(1000), /8 levels/],
    ['lists in lists', { a: [[[[[[[[]]]]]]]] }, /8 levels/],
    ['U+0000', { a: 'b\0' }, /U\+0000/],
    ['U+0000 in a key', { 'a\0': 1 }, /U\+0000/],
    ['half a surrogate pair', { a: '\ud800' }, /surrogate/],
  ])('%s', async (_, value, message) => {
    const account = await signUp(service)
    await set(account, { kept: true })
    const fields = refusedFields(await set(account, value))
    expect(fields).toEqual({ 'input.publicMetadata': [expect.stringMatching(message)] })
    const admin = await signUpWith(service, 'support')
    expect((await read(account, admin)).data?.user?.publicMetadata).toEqual({ kept: true })
  })

  test('the key __proto__', async () => {
    const { accessToken: token } = await signUp(service)
    const text =
      'mutation { updateProfile(input: { publicMetadata: { a: { __proto__: { b: 1 } } } }) { id } }'
    expect(refusedFields(await service.send(text, {}, { token }))).toEqual({
      'input.publicMetadata': ['Remove the key __proto__.'],
    })
  })

  test.each<[unknown]>([['text'], [7], [[]], [true]])('a value that is not an object: %j', async value => {
    expect(codes(await set(await signUp(service), value))).toEqual(['BAD_USER_INPUT'])
  })
})

test('8 KiB and 8 levels are accepted', async () => {
  const account = await signUp(service)
  expect(codes(await set(account, { a: 'x'.repeat(8184) }))).toEqual([])
  expect(codes(await set(account, nested(8)))).toEqual([])
})
