import { beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Logout } from '../support/operations.ts'
import { codes, type SignedIn, signIn, signUp, useService } from '../support/service.ts'
import { countEvents, DAY, HOUR, MINUTE, pairOf, refresh, stateOf } from '../support/sessions.ts'

const service = useService()
let email: string
beforeAll(async () => {
  email = (await signUp(service)).email
})

/** `back` counts from the newest token, and stops at the oldest. */
type Step =
  | { does: 'refresh'; back: number }
  | { does: 'use'; back: number }
  | { does: 'wait'; seconds: number }
  | { does: 'logout'; by: 'access' | 'refresh'; back: number }

// All multiples of 10 seconds, so that the time that a run itself takes decides nothing.
const WAITS = [10, 20, 30, 10 * MINUTE, HOUR, 23 * HOUR, DAY, 15 * DAY, 29 * DAY]
const back = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(0, 1) }, fc.nat(4))
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ does: fc.constant('refresh'), back }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('use'), back }) },
  { weight: 5, arbitrary: fc.record({ does: fc.constant('wait'), seconds: fc.constantFrom(...WAITS) }) },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('logout'), by: fc.constantFrom('access', 'refresh'), back }),
  },
)

/** What design.md says of one session, in seconds since its start. */
class Model {
  now = 0
  generation = 0
  rotatedAt = 0
  seen = false
  expiresAt = 30 * DAY
  ended: 'logout' | 'reuse' | undefined

  get live(): boolean {
    return !this.ended && this.now < this.expiresAt
  }

  /** The generation of the token that is answered, or undefined for a refusal. */
  refresh(generation: number): number | undefined {
    if (!this.live) return undefined
    const age = this.now - this.rotatedAt
    if (generation === this.generation) {
      this.generation += 1
      this.rotatedAt = this.now
      this.seen = false
      this.expiresAt = Math.min(this.now + 30 * DAY, 90 * DAY)
      return this.generation
    }
    if (generation === this.generation - 1 && (age < 30 || (!this.seen && age < DAY))) return this.generation
    this.ended = 'reuse'
    return undefined
  }

  use(token: { generation: number; issuedAt: number }): string {
    if (this.now >= Math.min(token.issuedAt + 10 * MINUTE, 90 * DAY)) return 'EXPIRED'
    if (this.ended) return 'REVOKED'
    if (!this.live) return 'EXPIRED'
    if (token.generation === this.generation) this.seen = true
    return 'LIVE'
  }

  logout(): void {
    if (this.live) this.ended = 'logout'
  }
}

/** A session under test, and everything that was ever given for it. */
class Run {
  readonly model = new Model()
  readonly refreshTokens: string[]
  readonly accessTokens: { token: string; generation: number; issuedAt: number }[]
  readonly sessionId: string

  constructor({ accessToken, refreshToken, sessionId }: SignedIn) {
    this.sessionId = sessionId
    this.refreshTokens = [refreshToken]
    this.accessTokens = [{ token: accessToken, generation: 0, issuedAt: 0 }]
  }

  async take(step: Step): Promise<void> {
    switch (step.does) {
      case 'refresh':
        return this.#refresh(step.back)
      case 'use': {
        const access = fromNewest(this.accessTokens, step.back)
        expect(await stateOf(service, access.token)).toBe(this.model.use(access))
        return
      }
      case 'wait':
        service.clock.advance(step.seconds)
        this.model.now += step.seconds
        return
      case 'logout':
        return this.#logout(step)
    }
  }

  async #refresh(back: number): Promise<void> {
    const token = fromNewest(this.refreshTokens, back)
    const expected = this.model.refresh(this.refreshTokens.indexOf(token))
    const reply = await refresh(service, token)
    if (expected === undefined) {
      expect(codes(reply)).toEqual(['REFRESH_TOKEN_INVALID'])
      return
    }
    const { refreshToken, accessToken } = pairOf(reply)
    // A generation has one token, however often it is given.
    expect(refreshToken).toBe(this.refreshTokens[expected] ?? refreshToken)
    expect(this.refreshTokens.slice(0, expected)).not.toContain(refreshToken)
    this.refreshTokens[expected] = refreshToken
    this.accessTokens.push({ token: accessToken, generation: expected, issuedAt: this.model.now })
  }

  async #logout({ by, back }: Extract<Step, { does: 'logout' }>): Promise<void> {
    const reply =
      by === 'access'
        ? await service.send(Logout, {}, { token: fromNewest(this.accessTokens, back).token })
        : await service.send(Logout, { input: { refreshToken: fromNewest(this.refreshTokens, back) } })
    expect(reply.data).toEqual({ logout: true })
    this.model.logout()
  }

  /** The row and the audit log say what the model says. */
  async check(): Promise<void> {
    const { generation, ended } = this.model
    const row = await service.app.db.session.findUniqueOrThrow({ where: { id: this.sessionId } })
    expect({ generation: row.generation, revoked: row.revokedAt !== null }).toEqual({
      generation,
      revoked: ended !== undefined,
    })
    expect({
      reuse: await countEvents(service, this.sessionId, 'session.reuse_detected'),
      logout: await countEvents(service, this.sessionId, 'session.ended'),
    }).toEqual({ reuse: ended === 'reuse' ? 1 : 0, logout: ended === 'logout' ? 1 : 0 })
  }
}

function fromNewest<Item>(items: Item[], back: number): Item {
  const item = items.at(-1 - back) ?? items[0]
  if (item === undefined) throw new Error('no items')
  return item
}

test('whatever is done with a session’s tokens, and whenever, it behaves as design.md says', async () => {
  const steps = fc.array(step, { minLength: 4, maxLength: 24, size: 'max' })
  await fc.assert(
    fc.asyncProperty(steps, async all => {
      const run = new Run(await signIn(service, email))
      for (const one of all) await run.take(one)
      await run.check()
    }),
    { numRuns: 120, interruptAfterTimeLimit: 12_000 },
  )
})
