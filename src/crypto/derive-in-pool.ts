import { pbkdf2, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import bcrypt from 'bcrypt'
import type { KeyJob } from './key-job.ts'

const pbkdf2Key = promisify(pbkdf2)
const scryptKey = promisify<string, Uint8Array, number, object, Buffer>(scrypt)

const ARGON2_TYPES = { i: 1, id: 2 } as const

/**
 * Derives a key in libuv's pool of threads, with the reference implementation of argon2. The fallback where the threads
 * of hash-threads.ts are not available, and what they are tested against.
 */
export async function deriveInPool(job: KeyJob): Promise<Uint8Array> {
  switch (job.algorithm) {
    case 'argon2': {
      // Loaded only if needed.
      const { default: argon2 } = await import('argon2')
      return argon2.hash(job.password, {
        raw: true,
        type: ARGON2_TYPES[job.type],
        version: job.version,
        memoryCost: job.memoryKib,
        timeCost: job.passes,
        parallelism: job.lanes,
        salt: Buffer.from(job.salt),
        hashLength: job.keyLength,
      })
    }
    case 'bcrypt':
      return Buffer.from(await bcrypt.hash(Buffer.from(job.password), job.settings))
    case 'pbkdf2':
      return pbkdf2Key(job.password, job.salt, job.iterations, job.keyLength, job.digest)
    case 'scrypt':
      return scryptKey(job.password, job.salt, job.keyLength, scryptOptions(job))
  }
}

function scryptOptions({ n, r, p }: { n: number; r: number; p: number }) {
  // Slightly more than OpenSSL computes, because it refuses a limit that is met exactly.
  return { N: n, r, p, maxmem: 128 * r * (n + p + 2) + 1024 ** 2 }
}
