import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { signUp } from '../support/actors.ts'
import { withMachineClock } from '../support/machine-clock.ts'
import { codes, type Service, startService } from '../support/service.ts'
import { countEvents, HOUR, refresh, refreshed, stateOf } from '../support/sessions.ts'

let one: Service
let two: Service
beforeAll(async () => {
  one = await startService({ databaseTime: true })
  two = await startService({ databaseTime: true, databaseUrl: one.app.config.database.url ?? '' })
})
afterAll(async () => {
  await two.close()
  await one.close()
})

describe.each([
  ['10 seconds', 10],
  ['36 hours', 36 * HOUR],
])('with replicas whose machines’ clocks are %s apart', (_name, seconds) => {
  test('no honest request is UNAUTHENTICATED, and no session ends', async () => {
    const at = {
      exact: <Result>(ask: (service: Service) => Promise<Result>) => withMachineClock(0, () => ask(one)),
      ahead: <Result>(ask: (service: Service) => Promise<Result>) =>
        withMachineClock(seconds, () => ask(two)),
    }
    const places = ['exact', 'ahead'] as const
    for (const issuing of places) {
      const account = await at[issuing](signUp)
      let pair = account as { accessToken: string; refreshToken: string }
      for (const asked of [...places, ...places]) {
        expect(await at[asked](service => stateOf(service, pair.accessToken))).toBe('LIVE')
        pair = await at[asked](service => refreshed(service, pair.refreshToken))
        for (const place of places)
          expect(await at[place](service => stateOf(service, pair.accessToken))).toBe('LIVE')
      }
      expect(await countEvents(one, account.sessionId, 'session.reuse_detected')).toBe(0)
    }
  })
})

test.each([
  ['an hour', HOUR],
  ['20 seconds', 20],
])(
  'setting the machine’s clock back by %s does not extend the 30 seconds of a race',
  async (_name, seconds) => {
    const account = await signUp(one)
    const { accessToken } = await refreshed(one, account.refreshToken)
    expect(await stateOf(one, accessToken)).toBe('LIVE')
    // As if it had been 31 s ago.
    await one.app.pool.query(`UPDATE sessions SET rotated_at = rotated_at - interval '31 s' WHERE id = $1`, [
      account.sessionId,
    ])
    const reply = await withMachineClock(-seconds, () => refresh(one, account.refreshToken))
    expect(codes(reply)).toEqual(['REFRESH_TOKEN_INVALID'])
  },
)
