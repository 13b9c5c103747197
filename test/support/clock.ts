import type { Clock } from '../../src/clock.ts'

/** Goes on as time does, from where the test has moved it to. */
export class TestClock implements Clock {
  #offsetMs = 0

  now(): Date {
    return new Date(Date.now() + this.#offsetMs)
  }

  /** Moves the clock by this number of seconds, forward or back. */
  advance(seconds: number): void {
    this.#offsetMs += seconds * 1000
  }
}

/** A clock that stands still until it is moved, so that a step back in time is exact. */
export class StillClock extends TestClock {
  #now = Date.now()
  override now(): Date {
    return new Date(this.#now)
  }
  override advance(seconds: number): void {
    this.#now += seconds * 1000
  }
}
