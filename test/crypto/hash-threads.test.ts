import { readdir } from 'node:fs/promises'
import os from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from '@jest/globals'
import argon2 from 'argon2'
import fc from 'fast-check'
import { readArgon2, writeArgon2 } from '../../src/crypto/argon2-string.ts'
import { deriveInPool } from '../../src/crypto/derive-in-pool.ts'
import { HashThreads } from '../../src/crypto/hash-threads.ts'
import type { KeyJob } from '../../src/crypto/key-job.ts'
import { readHash } from '../../src/crypto/known-hash.ts'
import { PasswordHasher } from '../../src/crypto/password-hash.ts'

const opened: { close(): Promise<void> }[] = []
afterAll(() => Promise.all(opened.map(each => each.close())))

function threads(program?: string, concurrency = 1) {
  const faults: string[] = []
  const own = new HashThreads({
    concurrency,
    onFault: (error, message) => void faults.push(`${message}: ${error.message}`),
    ...(program !== undefined && {
      program: new URL(`data:text/javascript,${encodeURIComponent(program)}`),
    }),
  })
  opened.push(own)
  return { own, faults }
}

function jobOf(password: string): Extract<KeyJob, { algorithm: 'argon2' }> {
  return {
    ...{ algorithm: 'argon2', type: 'id', version: 19, memoryKib: 64, passes: 1, lanes: 1 },
    ...{ password, salt: new Uint8Array(16), keyLength: 32 },
  }
}

const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max })

/** All parameters that an import accepts, with little memory. */
const argon2Hashes = fc
  .record({
    type: fc.constantFrom('i' as const, 'id' as const),
    version: fc.constantFrom(16 as const, 19 as const),
    passes: fc.integer({ min: 1, max: 4 }),
    lanes: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 8 }) }, fc.constant(64)),
    blocks: fc.integer({ min: 8, max: 40 }),
    salt: bytes(9, 96).map(salt => Buffer.from(salt)),
    keyLength: fc.integer({ min: 17, max: 96 }),
  })
  .map(({ blocks, ...rest }) => ({ ...rest, memoryKib: blocks * rest.lanes + (blocks % 3) }))
const passwords = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constant('0'.repeat(4000)))

describe('the fast argon2 and the reference', () => {
  const { own, faults } = threads()
  const hasher = new PasswordHasher({
    ...{ memoryKib: 64, timeCost: 1, parallelism: 1, concurrency: 1, queueMax: 10, waitMs: 60_000 },
  })
  opened.push(hasher)

  test('verify each other’s strings, with every parameter that an import accepts', async () => {
    await fc.assert(
      fc.asyncProperty(argon2Hashes, passwords, async ({ keyLength, ...parameters }, password) => {
        const { salt, type, version, memoryKib, passes, lanes } = parameters
        const job: KeyJob = {
          ...{ algorithm: 'argon2', ...parameters, salt: new Uint8Array(salt), password, keyLength },
        }
        const ours = writeArgon2({ ...parameters, key: Buffer.from(await own.derive(job)) })
        expect(readHash(ours)).toMatchObject({ hash: { algorithm: 'argon2' } })
        expect(await argon2.verify(ours, password)).toBe(true)
        expect(await argon2.verify(ours, `${password} `)).toBe(false)

        const theirs = await argon2.hash(password, {
          ...{ salt, version, hashLength: keyLength, type: type === 'i' ? argon2.argon2i : argon2.argon2id },
          ...{ memoryCost: memoryKib, timeCost: passes, parallelism: lanes },
        })
        expect(theirs).toBe(ours)
        if (type === 'id') expect(await hasher.verify(theirs, password)).toBe(true)
        expect(await deriveInPool(job)).toEqual(Buffer.from(readArgon2(theirs)?.key ?? ''))
      }),
      { numRuns: 40 },
    )
    // The reference would have stood in for the fast one.
    expect(faults).toEqual([])
  })

  test('verify the passwords that this server hashes', async () => {
    await fc.assert(
      fc.asyncProperty(passwords, async password => {
        const ours = await hasher.hash(password)
        expect(await argon2.verify(ours, password)).toBe(true)
        expect(argon2.needsRehash(ours, { memoryCost: 64, timeCost: 1, parallelism: 1 })).toBe(false)
        expect(await hasher.verify(ours, password)).toBe(true)
        expect(await hasher.verify(ours, `${password}\0`)).toBe(false)
      }),
      { numRuns: 20 },
    )
  })

  test('a hash with parameters that no import accepts, such as `data`, is still verified', async () => {
    const options = { memoryCost: 64, timeCost: 1, parallelism: 1, associatedData: Buffer.from('tenant 7') }
    const rare = await argon2.hash('a password', options)
    expect(rare).toContain(',data=')
    expect(await hasher.verify(rare, 'a password')).toBe(true)
    expect(await hasher.verify(rare, 'another password')).toBe(false)
    expect(hasher.isOutdated(rare)).toBe(true)
  })
})

test('on Linux, the threads that hash yield to the event loop, which keeps its own priority', async () => {
  const before = await niceness()
  const { own } = threads()
  await own.derive(jobOf('a password'))
  const after = await niceness()
  expect(after.main).toBe(before.main)
  expect(after.lowered).toBe(before.lowered + (process.platform === 'linux' ? 1 : 0))
})

/** The niceness of the thread of the event loop, and how many threads have a higher one. */
async function niceness(): Promise<{ main: number; lowered: number }> {
  const main = os.getPriority()
  if (process.platform !== 'linux') return { main, lowered: 0 }
  const ids = await readdir('/proc/self/task')
  // A thread may have ended in the meantime.
  const all = ids.map(id => {
    try {
      return os.getPriority(Number(id))
    } catch {
      return main
    }
  })
  return { main, lowered: all.filter(nice => nice > main).length }
}

/** A program that answers with the number of its thread, and ends as the password asks. */
const MORTAL = `
import { parentPort, threadId } from 'node:worker_threads'
parentPort.on('message', ({ password }) => {
  if (password === 'end' || password === 'end in ' + threadId) process.exit(1)
  if (password === 'throw in ' + threadId) throw new Error('out of luck')
  parentPort.postMessage({ key: Uint8Array.of(threadId) })
})`

describe('a thread that ends', () => {
  test.each(['end', 'throw'])('is replaced, and its job runs again: %s', async how => {
    const { own, faults } = threads(MORTAL)
    const [first] = await own.derive(jobOf('who are you?'))
    const [second] = await own.derive(jobOf(`${how} in ${first}`))
    expect(second).not.toBe(first)
    expect(faults).toEqual([expect.stringContaining('a thread that hashes passwords ended')])
    expect(await own.derive(jobOf('who are you?'))).toEqual(Uint8Array.of(second ?? 0))
  })

  test('with a job that ends every thread fails that job alone', async () => {
    const { own, faults } = threads(MORTAL, 3)
    await Promise.all(['a', 'b', 'c'].map(name => own.derive(jobOf(name))))
    const [deadly, ...others] = await Promise.allSettled(
      ['end', 'd', 'e', 'f', 'g'].map(password => own.derive(jobOf(password))),
    )
    expect(deadly).toMatchObject({
      status: 'rejected',
      reason: { message: 'Two threads ended while they had the same job.' },
    })
    expect(others.map(({ status }) => status)).toEqual(Array(4).fill('fulfilled'))
    expect(faults).toHaveLength(2)
  })
})

describe('where the fast argon2 can’t be used, the reference hashes, and one line says why', () => {
  test.each([
    [
      'it is not installed',
      `import { parentPort } from 'node:worker_threads'
       parentPort.postMessage({ missing: 'no binary for this system' })`,
      'no binary for this system',
    ],
    ['a thread can’t start', `throw new Error('no threads here')`, 'no threads here'],
  ])('%s', async (_, program, reason) => {
    const { own, faults } = threads(program, 8)
    const jobs = ['one', 'two', 'three'].map(jobOf)
    const keys = await Promise.all(jobs.map(job => own.derive(job)))
    expect(keys).toEqual(await Promise.all(jobs.map(deriveInPool)))
    expect(faults).toEqual([`the fast argon2 is not available; the slower one hashes passwords: ${reason}`])
    // What exceeds the threads of libuv's pool waits in the queue that HASH_WAIT_MS limits.
    expect(own.concurrency).toBe(3)
  })

  test('there is no such program', async () => {
    const faults: string[] = []
    const program = new URL('file:///nothing/here.cjs')
    const own = new HashThreads({
      concurrency: 2,
      program,
      onFault: error => void faults.push(error.message),
    })
    expect(await own.derive(jobOf('one'))).toEqual(await deriveInPool(jobOf('one')))
    expect(faults).toEqual([expect.stringContaining('here.cjs')])
  })
})

test('closing ends the threads: running jobs fail, and so do later ones', async () => {
  const { own } = threads(
    `import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => {})`,
  )
  const running = own.derive(jobOf('never answered'))
  const ended = expect(running).rejects.toThrow('The server is closing.')
  await sleep(0)
  await own.close()
  await ended
  await expect(own.derive(jobOf('too late'))).rejects.toThrow('The server is closing.')
})

test('an impossible job fails, and the thread goes on', async () => {
  const { own, faults } = threads()
  await expect(own.derive({ ...jobOf('a password'), memoryKib: 1 })).rejects.toThrow('could not be derived')
  expect(await own.derive(jobOf('a password'))).toEqual(
    new Uint8Array(await deriveInPool(jobOf('a password'))),
  )
  expect(faults).toEqual([])
})
