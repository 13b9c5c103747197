import { expect, jest, test } from '@jest/globals'
import { leaseTurns } from '../../src/client/lease-turns.ts'
import { type Locks, localTurns, lockTurns, type Turns } from '../../src/client/turns.ts'
import { fakeLocks } from './support.ts'

function fakeStorage() {
  const items = new Map<string, string>()
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  }
}

/** The locks of a browser whose user blocks cookies. */
const refusedLocks: Locks = {
  request: () => Promise.reject(new DOMException('Access to the Locks API is denied.', 'SecurityError')),
}

const ways: [string, () => Turns][] = [
  ['within one client', localTurns],
  ['with Web Locks', () => lockTurns(fakeLocks(), 'name')],
  ['with locks that the browser forbids', () => lockTurns(refusedLocks, 'name')],
  ['with leases', () => leaseTurns(fakeStorage(), 'name')],
]

test.each(ways)(
  '%s, one run executes at a time, and the others learn that they waited',
  async (_way, make) => {
    const turns = make()
    let running = 0
    const overlaps: number[] = []
    const waits = await Promise.all(
      [1, 2, 3, 4].map(() =>
        turns(async waited => {
          overlaps.push(++running)
          await new Promise(resolve => setTimeout(resolve, 20))
          running--
          return waited
        }),
      ),
    )
    expect(overlaps).toEqual([1, 1, 1, 1])
    expect(waits.filter(waited => !waited)).toHaveLength(1)
  },
)

test.each(ways)('%s, a failed run rejects, and the next one executes', async (_way, make) => {
  const turns = make()
  const failed = turns(async () => {
    throw new Error('no')
  })
  await expect(failed).rejects.toThrow('no')
  expect(await turns(async () => 'yes')).toBe('yes')
})

test.each([
  ['of a closed tab expires', () => Date.now() - 1],
  ['from before the clock was set back is ignored', () => Date.now() + 86_400_000],
])('a lease %s', async (_case, until) => {
  const storage = fakeStorage()
  storage.items.set('name', `other-tab ${until()}`)
  expect(await leaseTurns(storage, 'name')(async waited => waited)).toBe(false)
  expect(storage.items.size).toBe(0)
})

test.each([
  [
    'lock',
    () => {
      const locks = fakeLocks()
      locks.held.add('name')
      return lockTurns(locks, 'name')
    },
  ],
  [
    'lease',
    () => {
      const storage = fakeStorage()
      const holder = setInterval(() => storage.setItem('name', `other-tab ${Date.now() + 4000}`), 10)
      const turns = leaseTurns(storage, 'name')
      return async run => {
        try {
          return await turns(run)
        } finally {
          clearInterval(holder)
        }
      }
    },
  ],
] satisfies [string, () => Turns][])(
  'a %s that is never released delays others for a limited time',
  async (_way, make) => {
    jest.useFakeTimers()
    try {
      const outcome = make()(async waited => waited)
      await jest.advanceTimersByTimeAsync(40_000)
      expect(await outcome).toBe(true)
    } finally {
      jest.useRealTimers()
    }
  },
)

test('if the browser forbids locks, runs within the client still take turns', async () => {
  const locks = {
    request: () => Promise.reject(new DOMException('The request was denied.', 'SecurityError')),
  }
  const turns = lockTurns(locks, 'name')
  const order: string[] = []
  const take = (name: string) =>
    turns(async () => {
      order.push(`${name} begins`)
      await new Promise(resolve => setTimeout(resolve, 20))
      order.push(`${name} ends`)
    })
  await Promise.all([take('first'), take('second')])
  expect(order).toEqual(['first begins', 'first ends', 'second begins', 'second ends'])
})

test('a run that fails under a lock rejects and is not repeated', async () => {
  let runs = 0
  const failed = lockTurns(
    fakeLocks(),
    'name',
  )(async () => {
    runs++
    throw new Error('no')
  })
  await expect(failed).rejects.toThrow('no')
  expect(runs).toBe(1)
})

test('if the storage is full, runs do not wait for a lease', async () => {
  const setItem = () => {
    throw new DOMException('The quota has been exceeded.', 'QuotaExceededError')
  }
  expect(await leaseTurns({ ...fakeStorage(), setItem }, 'name')(async waited => waited)).toBe(false)
})
