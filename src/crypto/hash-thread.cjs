// @ts-check
'use strict'

// What runs in the threads of hash-threads.ts. Plain CommonJS, because it must run as it is: from dist, and from src
// under a program or a test that compiles TypeScript in its own thread only. CommonJS also starts faster and takes less
// memory than a module.

const { pbkdf2Sync, scryptSync } = require('node:crypto')
const os = require('node:os')
const { parentPort } = require('node:worker_threads')

/** @typedef {import('./key-job.ts').KeyJob} KeyJob */

const NICENESS = 10
const MEBIBYTE = 1024 ** 2
const ARGON2_TYPES = { i: 1, id: 2 }
const ARGON2_VERSIONS = { 16: 0, 19: 1 }

if (!parentPort) throw new Error('This file runs in a worker thread.')
const port = parentPort
yieldToOthers()
const argon2 = loadArgon2()
if (argon2) port.on('message', answer)

/** On Linux, priority belongs to a thread, so the event loop keeps its own. Elsewhere it belongs to the process. */
function yieldToOthers() {
  if (process.platform !== 'linux') return
  try {
    os.setPriority(0, Math.min(os.getPriority(0) + NICENESS, 19))
  } catch {
    // Forbidden by a sandbox. Hashing works without it.
  }
}

/** There is no binary for some systems, and some installations leave out optional dependencies. */
function loadArgon2() {
  try {
    return require('@node-rs/argon2')
  } catch (error) {
    port.postMessage({ missing: error instanceof Error ? error.message : String(error) })
    port.close()
    return undefined
  }
}

/** @param {KeyJob} job */
function answer(job) {
  try {
    port.postMessage({ key: new Uint8Array(derive(job)) })
  } catch (error) {
    port.postMessage({ failure: error instanceof Error ? error.message : String(error) })
  }
}

/**
 * @param {KeyJob} job
 * @returns {Uint8Array}
 */
function derive(job) {
  switch (job.algorithm) {
    case 'argon2':
      return /** @type {NonNullable<typeof argon2>} */ (argon2).hashRawSync(job.password, {
        algorithm: ARGON2_TYPES[job.type],
        version: ARGON2_VERSIONS[job.version],
        memoryCost: job.memoryKib,
        timeCost: job.passes,
        parallelism: job.lanes,
        salt: job.salt,
        outputLen: job.keyLength,
      })
    case 'bcrypt':
      // Loaded only if needed: for hashes of other systems.
      return Buffer.from(require('bcrypt').hashSync(Buffer.from(job.password), job.settings))
    case 'pbkdf2':
      return pbkdf2Sync(job.password, job.salt, job.iterations, job.keyLength, job.digest)
    case 'scrypt': {
      const { n, r, p } = job
      // Slightly more than OpenSSL computes, because it refuses a limit that is met exactly.
      const maxmem = 128 * r * (n + p + 2) + MEBIBYTE
      return scryptSync(job.password, job.salt, job.keyLength, { N: n, r, p, maxmem })
    }
  }
}
