import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { signUp } from '../support/actors.ts'
import { StillClock } from '../support/clock.ts'
import { type Act, type Name, Story } from '../support/holders.ts'
import { type Service, startService } from '../support/service.ts'
import { countEvents, DAY, HOUR, MINUTE } from '../support/sessions.ts'

/** Long enough for a busy machine. A run that does not finish fails. */
const TIME_MS = 300_000
/** During a race, and after it. */
const SOON = 20
const LATER = 40

let service: Service
let email: string
beforeAll(async () => {
  // All refusals in this file come from one network.
  service = await startService({
    clock: new StillClock(),
    settings: { LIMIT_REFRESH_NETWORK: '9999999/1h', LIMIT_NOTICE_ACCOUNT: '9999999/1h' },
  })
  const account = await signUp(service)
  email = account.email
  await service.app.db.user.update({
    where: { id: account.id },
    data: { emailVerifiedAt: service.clock.now() },
  })
})
afterAll(async () => {
  expect(service.logged).toEqual([])
  await service.close()
})

const detections = (sessionId: string) => countEvents(service, sessionId, 'session.reuse_detected')
/** The notices that are queued from now on. */
const noticesSince = (at: Date) =>
  service.app.db.mail.count({
    where: { template: 'reuse-detected', recipient: email, createdAt: { gte: at } },
  })

/** Takes a step. If it ends the session, expects both holders to be signed out, one event and one notice to the owner. */
async function takeStep(story: Story, name: Name, act: Act): Promise<boolean> {
  const at = service.clock.now()
  const before = { detections: await detections(story.sessionId), notices: await noticesSince(at) }
  const live = await story.take(name, act)
  if (!live) await story.expectOver()
  const once = live ? 0 : 1
  expect({ detections: await detections(story.sessionId), notices: await noticesSince(at) }).toEqual({
    detections: before.detections + once,
    notices: before.notices + once,
  })
  return live
}

type Move = { name: Name; act: Act; after: number }

/**
 * Takes every sequence of up to `depth` moves, but continues only once from equivalent situations. Returns the number of
 * steps, and how many of them ended the session.
 */
async function exhaust(story: Story, depth: number, moves: Move[], check?: () => Promise<void>) {
  const start = service.clock.now()
  const deepest = new Map<string, number>()
  const taken = { steps: 0, ends: 0 }
  const descend = async (left: number, last: Name | undefined): Promise<void> => {
    const from = await story.snapshot()
    const situation = `${last} ${from.situation}`
    if (left <= (deepest.get(situation) ?? 0)) return
    deepest.set(situation, left)
    await check?.()
    for (const { name, act, after } of moves) {
      story.wait(after)
      taken.steps += 1
      if (!(await story.take(name, act))) taken.ends += 1
      else await descend(left - 1, name)
      await story.restore(from)
    }
  }
  await descend(depth, undefined)
  expect(await detections(story.sessionId)).toBe(taken.ends)
  expect(await noticesSince(start)).toBe(taken.ends)
  return taken
}

const ACTS: Act[] = ['refresh', 'refresh, answer lost', 'use']
const twoTabs = (after: number): Move => ({ name: 'owner', act: 'refresh in two tabs', after })
const movesOf = (name: Name, after: number): Move[] => ACTS.map(act => ({ name, act, after }))

describe('every sequence of refreshes, losses and uses', () => {
  test(
    'every sequence of six steps by one holder leaves the holder signed in',
    async () => {
      const moves = [...movesOf('owner', SOON), ...movesOf('owner', LATER)]
      const { steps, ends } = await exhaust(await Story.begin(service, email), 6, moves)
      expect(ends).toBe(0)
      expect(steps).toBeGreaterThan(300)
    },
    TIME_MS,
  )

  test(
    'a thief of everything but the key gets nothing at any point of any sequence of four steps by the holder of the key',
    async () => {
      const story = await Story.beginBound(service, email)
      const moves = [...movesOf('owner', SOON), ...movesOf('owner', LATER), twoTabs(SOON)]
      let attempts = 0
      const { ends } = await exhaust(story, 4, moves, async () => {
        attempts += await story.attack()
      })
      expect(ends).toBe(0)
      expect(attempts).toBeGreaterThan(60)
    },
    TIME_MS,
  )

  test(
    'every sequence of five steps by two holders ends the session when the first holder of new tokens returns',
    async () => {
      const moves = [...movesOf('owner', LATER), ...movesOf('thief', LATER)]
      const { steps, ends } = await exhaust(await Story.begin(service, email), 5, moves)
      expect(ends).toBeGreaterThan(30)
      expect(steps).toBeGreaterThan(300)
    },
    TIME_MS,
  )
})

const acts = fc.constantFrom<Act>('refresh', 'refresh', 'refresh, answer lost', 'refresh in two tabs', 'use')
// 14 of the longest waits add up to less than the 30 days after which an idle session ends.
const waits = fc.constantFrom(0, SOON, LATER, 9 * MINUTE, 11 * MINUTE, HOUR, 25 * HOUR, 2 * DAY)
const alone = fc.array(fc.record({ act: acts, after: waits }), { minLength: 4, maxLength: 14, size: 'max' })

test(
  'one holder is never signed out, regardless of lost responses and waits',
  async () => {
    await fc.assert(
      fc.asyncProperty(alone, async steps => {
        const story = await Story.begin(service, email)
        for (const { act, after } of steps) {
          story.wait(after)
          expect(await takeStep(story, 'owner', act)).toBe(true)
        }
      }),
      { numRuns: 30, interruptAfterTimeLimit: TIME_MS, markInterruptAsFailure: true },
    )
  },
  TIME_MS + 10_000,
)

/** Between steps of different holders, more time passes than a race takes: within a race, the server cannot distinguish them. */
const turns = fc.array(
  fc.record({ name: fc.constantFrom<Name>('owner', 'thief'), act: acts, after: waits }),
  { minLength: 4, maxLength: 14, size: 'max' },
)

test(
  'if two holders continue, the session ends at the latest when the first of them returns',
  async () => {
    let ends = 0
    await fc.assert(
      fc.asyncProperty(alone, turns, async (before, after) => {
        const story = await Story.begin(service, email)
        for (const step of before.slice(0, 5)) {
          story.wait(step.after)
          expect(await story.take('owner', step.act)).toBe(true)
        }
        story.wait(LATER)
        story.steal()
        let last: Name | undefined
        for (const { name, act, after: seconds } of after) {
          story.wait(name === last ? seconds : Math.max(seconds, LATER))
          last = name
          if (await takeStep(story, name, act)) continue
          ends += 1
          return
        }
      }),
      { numRuns: 40, interruptAfterTimeLimit: TIME_MS, markInterruptAsFailure: true },
    )
    expect(ends).toBeGreaterThan(10)
  },
  TIME_MS + 10_000,
)
