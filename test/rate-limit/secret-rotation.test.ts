import { expect, test } from '@jest/globals'
import { PASSWORD, signUp } from '../support/actors.ts'
import { Login } from '../support/operations.ts'
import { codes, type Service, startService } from '../support/service.ts'

test('a new AUTHOGRAPH_SECRET lifts no block, and devices stay known', async () => {
  const old = await startService({ settings: { LIMIT_LOGIN_ACCOUNT: '3/15m' } })
  let renewed: Service | undefined
  try {
    const { email } = await signUp(old)
    const login = (on: Service, password: string, deviceToken?: string | null) =>
      on.send(Login, { input: { identifier: email, password, deviceToken: deviceToken ?? null } })
    const { data } = await login(old, PASSWORD)
    for (let count = 0; count < 4; count++) await login(old, 'wrong')
    renewed = await startService({
      databaseUrl: old.app.config.database.url ?? '',
      clock: old.clock,
      settings: {
        LIMIT_LOGIN_ACCOUNT: '3/15m',
        AUTHOGRAPH_SECRET: 'another secret that only the tests may know',
        AUTHOGRAPH_PREVIOUS_SECRETS: 'a secret that only the tests may know',
      },
    })
    expect(codes(await login(renewed, PASSWORD))).toEqual(['RATE_LIMITED'])
    expect(codes(await login(renewed, PASSWORD, data?.login.deviceToken))).toEqual([])
  } finally {
    await renewed?.close()
    await old.close()
  }
})
