import { expect, test } from '@jest/globals'
import { PASSWORD, signUp } from '../../support/actors.ts'
import { Login, Me, Register } from '../../support/operations.ts'
import { codes, type Service, startService } from '../../support/service.ts'

/** Runs `run` on a service that always has one password being hashed and another waiting. */
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

test('when too many passwords wait, accounts with and without a password and unknown ones get the same refusal', async () => {
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
        login('unknown@example.com'),
        login('neither a name nor an address'),
        service.send(Register, { input: { email: 'new@example.com', password: PASSWORD } }),
      ]),
    )
    for (const reply of replies) {
      expect(reply.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 2 } }])
    }
    // A flood of refusals must not fill the log.
    const logged = service.logged.splice(0)
    expect(logged).toHaveLength(1)
    expect(logged[0]).toContain('too many passwords are waiting to be hashed')
    expect(logged[0]).not.toContain('stack')
    expect(await service.app.db.user.count()).toBe(2)
    expect(await service.app.db.auditEvent.count({ where: { action: 'session.denied' } })).toBe(0)

    // Operations that hash nothing continue, and all operations do afterwards.
    const me = await whileFull(service, () => service.send(Me, {}, { token: accessToken }))
    expect(me.data?.me?.id).toBe(id)
    expect(codes(await login(email))).toEqual([])
    expect(codes(await login('unknown@example.com'))).toEqual(['INVALID_CREDENTIALS'])
  } finally {
    await service.close()
  }
})

test('a sign-in waits at most HASH_WAIT_MS for a core that verifies a costly hash', async () => {
  const service = await startService({ settings: { HASH_CONCURRENCY: '1', HASH_WAIT_MS: '50' } })
  try {
    const { email } = await signUp(service)
    const imported = await signUp(service)
    await service.app.db.user.update({
      where: { id: imported.id },
      data: { passwordHash: `pbkdf2:sha256:12000000$salt$${'a'.repeat(64)}` },
    })
    const login = (identifier: string) => service.send(Login, { input: { identifier, password: PASSWORD } })

    let checked = false
    const costly = login(imported.email).finally(() => {
      checked = true
    })
    while (service.app.hasher.load.active === 0) await new Promise(resolve => setImmediate(resolve))
    const honest = await login(email)
    expect(honest.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 2 } }])
    expect(checked).toBe(false)
    expect(codes(await costly)).toEqual(['INVALID_CREDENTIALS'])
    expect(codes(await login(email))).toEqual([])
    service.logged.splice(0)
  } finally {
    await service.close()
  }
})
