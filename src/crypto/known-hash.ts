import { createHash, timingSafeEqual } from 'node:crypto'
import { ARGON2_PATTERN, type Argon2, toArgon2 } from './argon2-string.ts'
import type { DeriveKey, Digest, KeyJob } from './key-job.ts'

/** A password hash that Authograph can check, whichever system created it. */
export type KnownHash =
  | ({ algorithm: 'argon2' } & Argon2)
  /** `prehashed`: the input of bcrypt is the hexadecimal SHA-256 of the password. */
  | { algorithm: 'bcrypt'; cost: number; salt: string; key: string; prehashed: boolean }
  | { algorithm: 'pbkdf2'; digest: Digest; iterations: number; salt: Buffer; key: Buffer }
  | { algorithm: 'scrypt'; n: number; r: number; p: number; salt: Buffer; key: Buffer }

type Read = (...groups: string[]) => KnownHash

const BCRYPT = '\\$2[aby]\\$(\\d\\d)\\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})'
/** Werkzeug and Django use the text of the salt, not decoded bytes. */
const TEXT_SALT = '([^$\\s]{1,256})'
const HEX = '((?:[0-9a-f]{2}){16,128})'
const BASE64 = '([A-Za-z0-9+/.]{22,172}={0,2})'
/** passlib writes `.` for `+`. */
const BASE64_SALT = '([A-Za-z0-9+/.]{1,344}={0,2})'

const formats: [format: RegExp, read: Read][] = [
  // PHC string format; Django adds a prefix.
  whole(`(?:argon2)?${ARGON2_PATTERN}`, (...groups) => ({ algorithm: 'argon2', ...toArgon2(groups) })),
  // crypt(3); Django adds a prefix.
  whole(`(?:bcrypt\\$)?${BCRYPT}`, (cost, salt, key) => toBcrypt(cost, salt, key, false)),
  whole(`bcrypt_sha256\\$${BCRYPT}`, (cost, salt, key) => toBcrypt(cost, salt, key, true)),
  // Werkzeug
  whole(`pbkdf2:(sha1|sha256|sha512):(\\d{1,10})\\$${TEXT_SALT}\\$${HEX}`, (digest, iterations, salt, key) =>
    toPbkdf2(digest, iterations, Buffer.from(salt), Buffer.from(key, 'hex')),
  ),
  whole(`scrypt:(\\d{1,10}):(\\d{1,4}):(\\d{1,4})\\$${TEXT_SALT}\\$${HEX}`, (n, r, p, salt, key) =>
    toScrypt(Number(n), r, p, Buffer.from(salt), Buffer.from(key, 'hex')),
  ),
  // Django
  whole(
    `pbkdf2_(sha1|sha256|sha512)\\$(\\d{1,10})\\$${TEXT_SALT}\\$${BASE64}`,
    (digest, iterations, salt, key) => toPbkdf2(digest, iterations, Buffer.from(salt), fromBase64(key)),
  ),
  whole(`scrypt\\$(\\d{1,10})\\$${TEXT_SALT}\\$(\\d{1,4})\\$(\\d{1,4})\\$${BASE64}`, (n, salt, r, p, key) =>
    toScrypt(Number(n), r, p, Buffer.from(salt), fromBase64(key)),
  ),
  // PHC string format as in Node libraries, and passlib's dialect of it (without `i=`)
  whole(
    `\\$pbkdf2(?:-(sha1|sha256|sha512))?\\$(?:i=)?(\\d{1,10})(?:,l=\\d{1,4})?\\$${BASE64_SALT}\\$${BASE64}`,
    (digest, iterations, salt, key) =>
      toPbkdf2(digest || 'sha1', iterations, fromBase64(salt), fromBase64(key)),
  ),
  whole(
    `\\$scrypt\\$ln=(\\d{1,2}),r=(\\d{1,4}),p=(\\d{1,4})\\$${BASE64_SALT}\\$${BASE64}`,
    (ln, r, p, salt, key) => toScrypt(2 ** Number(ln), r, p, fromBase64(salt), fromBase64(key)),
  ),
]

/** A format that must match the whole text. Groups that did not match are passed as empty strings. */
function whole(
  pattern: string,
  read: (...groups: [string, string, string, string, string, string, string]) => KnownHash,
): [RegExp, Read] {
  return [
    new RegExp(`^${pattern}$`),
    (...[a = '', b = '', c = '', d = '', e = '', f = '', g = '']) => read(a, b, c, d, e, f, g),
  ]
}

function toBcrypt(cost: string, salt: string, key: string, prehashed: boolean): KnownHash {
  return { algorithm: 'bcrypt', cost: Number(cost), salt, key, prehashed }
}

function toPbkdf2(digest: string, iterations: string, salt: Buffer, key: Buffer): KnownHash {
  return { algorithm: 'pbkdf2', digest: digest as Digest, iterations: Number(iterations), salt, key }
}

function toScrypt(n: number, r: string, p: string, salt: Buffer, key: Buffer): KnownHash {
  return { algorithm: 'scrypt', n, r: Number(r), p: Number(p), salt, key }
}

function fromBase64(text: string): Buffer {
  return Buffer.from(text.replaceAll('.', '+'), 'base64')
}

export type ReadHash =
  | {
      hash: KnownHash
      /** Far cheaper to guess than OWASP's recommended parameters. */
      weak: boolean
    }
  | { problem: string }

/** The time that one core may take to check a new hash. Other sign-ins wait for that core. */
const NEW_MAX_SECONDS = 1
/** The same for a stored hash: earlier versions accepted hashes this costly. */
export const STORED_MAX_SECONDS = 4

/**
 * Parses a hash. Refuses unknown formats, impossible parameters, and hashes that take one core longer than
 * `maxSeconds` to check. The problem never contains the hash.
 */
export function readHash(text: string, maxSeconds = NEW_MAX_SECONDS): ReadHash {
  for (const [format, read] of formats) {
    const groups = format.exec(text)
    if (!groups) continue
    const hash = read(...groups.slice(1))
    const name = NAMES[hash.algorithm]
    if (!isPossible(hash)) return { problem: `The password hash has parameters that ${name} does not have.` }
    if (secondsOf(hash) <= maxSeconds) return { hash, weak: isWeak(hash) }
    return {
      problem: `The password hash is too costly to check: with its ${name} parameters that takes longer than ${maxSeconds} s.`,
    }
  }
  return { problem: 'The password hash is of a kind that is not known here.' }
}

const NAMES = {
  argon2: 'argon2',
  bcrypt: 'bcrypt',
  pbkdf2: 'PBKDF2',
  scrypt: 'scrypt',
} as const satisfies Record<KnownHash['algorithm'], string>

function isPossible(hash: KnownHash): boolean {
  switch (hash.algorithm) {
    case 'argon2':
      return hash.passes >= 1 && hash.lanes >= 1 && hash.memoryKib >= 8 * hash.lanes
    case 'bcrypt':
      return hash.cost >= 4
    case 'pbkdf2':
      return hash.iterations >= 1
    case 'scrypt':
      return hash.n >= 2 && Number.isInteger(Math.log2(hash.n)) && hash.r >= 1 && hash.p >= 1
  }
}

const MEBIBYTE = 1024 ** 2
const GIBIBYTE = 1024 ** 3
const ARGON2_LANES_MAX = 64
/** The memory that a check may use per second of its time limit. */
const MEMORY_BYTES = 256 * MEBIBYTE

/**
 * An upper estimate of the seconds that one core takes to check the hash. Each figure below took a current server core
 * 0.8 to 1 s when measured. Memory counts as time: 256 MiB as 1 s.
 */
function secondsOf(hash: KnownHash): number {
  switch (hash.algorithm) {
    case 'argon2': {
      const { memoryKib, passes, lanes } = hash
      if (lanes > ARGON2_LANES_MAX) return Number.POSITIVE_INFINITY
      const bytes = memoryKib * 1024
      return Math.max((bytes * passes) / GIBIBYTE, bytes / MEMORY_BYTES)
    }
    case 'bcrypt':
      return 2 ** (hash.cost - 14)
    case 'pbkdf2': {
      const rounds = hash.iterations * Math.ceil(hash.key.length / digestBytes[hash.digest])
      return rounds / PBKDF2_ROUNDS[hash.digest]
    }
    case 'scrypt': {
      const { n, r, p } = hash
      return Math.max((n * r * p) / 2 ** 21, (128 * n * r) / MEMORY_BYTES)
    }
  }
}

const PBKDF2_ROUNDS = { sha1: 4_000_000, sha256: 4_000_000, sha512: 2_000_000 } as const satisfies Record<
  Digest,
  number
>
const digestBytes = { sha1: 20, sha256: 32, sha512: 64 } as const satisfies Record<Digest, number>

function isWeak(hash: KnownHash): boolean {
  switch (hash.algorithm) {
    case 'argon2':
      return hash.memoryKib * hash.passes < 32 * 1024
    case 'bcrypt':
      return hash.cost < 10
    case 'pbkdf2':
      return hash.iterations < 100_000
    case 'scrypt':
      return hash.n * hash.r * hash.p < 2 ** 17
  }
}

/**
 * Whether the password, without any normalization, matches the hash. Compares in constant time. A password that
 * contains NUL never matches: bcrypt may stop at the NUL, and HMAC pads keys with NULs.
 */
export async function matchesHash(hash: KnownHash, password: string, derive: DeriveKey): Promise<boolean> {
  if (password.includes('\0')) return false
  const key = await derive(keyJob(hash, password))
  // crypt(3) ends with the key.
  const computed = hash.algorithm === 'bcrypt' ? key.subarray(-hash.key.length) : key
  return timingSafeEqual(computed, Buffer.from(hash.key))
}

/** bcrypt's limit. Implementations treat longer input differently. */
const BCRYPT_MAX_BYTES = 72

function keyJob(hash: KnownHash, password: string): KeyJob {
  if (hash.algorithm !== 'bcrypt') {
    const { key, salt, ...parameters } = hash
    // A copy, because a Buffer may be part of a larger piece of memory, all of which a thread would receive.
    return { ...parameters, password, salt: new Uint8Array(salt), keyLength: key.length }
  }
  const { cost, salt, prehashed } = hash
  const given = prehashed ? createHash('sha256').update(password).digest('hex') : password
  return {
    algorithm: 'bcrypt',
    password: new Uint8Array(Buffer.from(given).subarray(0, BCRYPT_MAX_BYTES)),
    // Up to 72 bytes, $2a$, $2b$ and $2y$ are equivalent. The library does not support $2y$, and for $2a$ it takes the
    // length modulo 256.
    settings: `$2b$${String(cost).padStart(2, '0')}$${salt}`,
  }
}

/** Whether the password, which may contain NUL, matches the argon2 hash. */
export async function matchesArgon2(hash: Argon2, password: string, derive: DeriveKey): Promise<boolean> {
  return timingSafeEqual(await derive(keyJob({ algorithm: 'argon2', ...hash }, password)), hash.key)
}
