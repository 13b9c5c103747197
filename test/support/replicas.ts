import { afterEach, beforeEach, expect } from '@jest/globals'
import { type SignedIn, signUpAdmin } from './actors.ts'
import { TestClock } from './clock.ts'
import { currentOf } from './current.ts'
import { createDatabase, type TestDatabase } from './postgres.ts'
import { type Service, startService } from './service.ts'

/** Two replicas on one database, whose clocks agree. Each has its own memory of the keys. */
export type Replicas = {
  one: Service
  two: Service
  database: TestDatabase
  clock: TestClock
  /** An administrator of both. */
  admin: SignedIn
}

/** Replicas for each test of a file. A test that makes one log a warning or an error fails, unless it takes the lines. */
export function useReplicas(): Replicas {
  let current: Replicas | undefined
  beforeEach(async () => {
    const database = await createDatabase()
    const clock = new TestClock()
    const one = await startService({ databaseUrl: database.url, clock })
    const two = await startService({ databaseUrl: database.url, clock })
    current = { one, two, database, clock, admin: await signUpAdmin(one) }
  })
  afterEach(async () => {
    if (!current) return
    const { one, two, database } = current
    const logged = [one, two].flatMap(service => service.logged)
    await Promise.all([one.close(), two.close()])
    await database.drop()
    expect(logged).toEqual([])
  })
  return {
    one: currentOf(() => current?.one),
    two: currentOf(() => current?.two),
    database: currentOf(() => current?.database),
    clock: currentOf(() => current?.clock),
    admin: currentOf(() => current?.admin),
  }
}
