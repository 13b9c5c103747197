import { expect, test } from '@jest/globals'
import { Login, Me, Register } from '../support/operations.ts'
import { codes, PASSWORD, type Service, signUp, startService } from '../support/service.ts'

/** Runs `run` on a service while one password is being hashed and another waits, at every moment. */
async function whileFull<Result>({ app: { hasher } }: Service, run: () => Promise<Result>): Promise<Result> {
  let done = false
  const occupy = async () => {
    while (!done) await hasher.hash(PASSWORD)
  }
  const occupied = [occupy(), occupy()]
  try {
    return await run()
  } finally {
    done = true
    await Promise.all(occupied)
  }
}

test('where too many passwords wait, known, unknown and hashless accounts are put off alike', async () => {
  const service = await startService({ settings: { HASH_CONCURRENCY: '1', HASH_QUEUE_MAX: '1' } })
  try {
    const { id, email, accessToken } = await signUp(service)
    const hashless = await signUp(service)
    await service.app.db.user.update({ where: { id: hashless.id }, data: { passwordHash: null } })
    const login = (identifier: string) => service.send(Login, { input: { identifier, password: PASSWORD } })

    const replies = await whileFull(service, () =>
      Promise.all([
        login(email),
        login(hashless.email),
        login('nobody@example.com'),
        login('neither a name nor an address'),
        service.send(Register, { input: { email: 'new@example.com', password: PASSWORD } }),
      ]),
    )
    for (const reply of replies) {
      expect(reply.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 2 } }])
    }
    expect(service.logged.splice(0)).toHaveLength(replies.length)
    expect(await service.app.db.user.count()).toBe(2)
    expect(await service.app.db.auditEvent.count({ where: { action: 'session.denied' } })).toBe(0)

    // What hashes nothing goes on meanwhile, and everything does afterwards.
    const me = await whileFull(service, () => service.send(Me, {}, { token: accessToken }))
    expect(me.data?.me?.id).toBe(id)
    expect(codes(await login(email))).toEqual([])
    expect(codes(await login('nobody@example.com'))).toEqual(['INVALID_CREDENTIALS'])
  } finally {
    await service.close()
  }
})
