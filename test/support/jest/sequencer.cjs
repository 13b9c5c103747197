'use strict'
const { default: Sequencer } = require('@jest/test-sequencer')

/** Small files that take long. Jest runs large files first, until it knows how long each takes. */
const SLOW = /\/(?:install-from-git\.package|http\/slow\.test|crypto\/known-hash\.test)\.ts$/

module.exports = class SlowFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests)
    if (sorted.every(({ duration }) => duration != null)) return sorted
    return [...sorted.filter(({ path }) => SLOW.test(path)), ...sorted.filter(({ path }) => !SLOW.test(path))]
  }
}
