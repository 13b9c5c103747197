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
