import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { deriveInPool } from '../../src/crypto/derive-in-pool.ts'
import { matchesHash, type ReadHash, readHash } from '../../src/crypto/known-hash.ts'
import { PasswordHasher } from '../../src/crypto/password-hash.ts'
import { PASSWORD } from '../support/actors.ts'
import { CHEAP_HASH, foreignHashes } from '../support/foreign-hashes.ts'

const hasher = new PasswordHasher({
  memoryKib: 64,
  timeCost: 1,
  parallelism: 1,
  concurrency: 2,
  queueMax: 10,
  waitMs: 60_000,
})

describe.each(foreignHashes)('$by', ({ hash }) => {
  test('is supported, and matches its password and no other', async () => {
    expect(readHash(hash)).toMatchObject({ hash: expect.anything() })
    expect(await hasher.verify(hash, PASSWORD)).toBe(true)
    for (const other of [`${PASSWORD} `, '', `${PASSWORD}\0`]) {
      expect(await hasher.verify(hash, other)).toBe(false)
    }
  })

  test('is outdated', () => {
    expect(hasher.isOutdated(hash)).toBe(true)
  })

  test('does not match if a character of its key is changed', async () => {
    const at = hash.search(/[^$=]{16}=*$/)
    const changed = `${hash.slice(0, at)}${hash[at] === 'a' ? 'b' : 'a'}${hash.slice(at + 1)}`
    expect(await hasher.verify(changed, PASSWORD)).toBe(false)
  })
})

test('our own hash with the current parameters is not outdated', async () => {
  expect(hasher.isOutdated(await hasher.hash(PASSWORD))).toBe(false)
})

describe('bcrypt', () => {
  // By libxcrypt (Python's crypt.crypt), of 374 bytes and of the first 72 of them: the same.
  const LONG = `${'a'.repeat(71)}bcd${'x'.repeat(300)}`
  const KEY = '$04$abcdefghijklmnopqrstuuOamT/wNYAA2T3dwK/uVZX5KdYiWAze2'

  test.each(['$2a', '$2b', '$2y'])('%s$ uses the first 72 bytes of a longer password', async prefix => {
    for (const length of [72, 73, 255, 256, 300, LONG.length]) {
      expect([length, await hasher.verify(prefix + KEY, LONG.slice(0, length))]).toEqual([length, true])
    }
    expect(await hasher.verify(prefix + KEY, LONG.slice(0, 71))).toBe(false)
  })

  test('a password with a NUL does not match the hash of the part before the NUL', async () => {
    expect(await hasher.verify(CHEAP_HASH, PASSWORD)).toBe(true)
    expect(await hasher.verify(CHEAP_HASH, `${PASSWORD}\0`)).toBe(false)
    expect(await hasher.verify(CHEAP_HASH, `${PASSWORD}\0more`)).toBe(false)
  })
})

describe('Unicode', () => {
  // A full-width A and a no-break space, which NFKC would change; by hashlib.pbkdf2_hmac of the UTF-8 bytes.
  const TYPED = 'Passw\u00f6rt \uff21\u00a0x 12'
  const NORMAL = 'Passw\u00f6rt A x 12'
  const HASH = 'pbkdf2:sha256:1000$NaCl$117e83710f5ba80f446c311ccaa064b8631828b7071592cb478a523c5810999a'

  test('a hash of another system matches the password as typed', async () => {
    expect(await hasher.verify(HASH, NORMAL, TYPED)).toBe(true)
    expect(await hasher.verify(HASH, NORMAL, NORMAL)).toBe(false)
  })

  test('the normalized password is tried too, because another keyboard may produce a different form', async () => {
    expect(await hasher.verify(CHEAP_HASH, PASSWORD, PASSWORD.replace('s', '\uff53'))).toBe(true)
  })

  test('both forms are tried for argon2id, because a hash does not show which system created it', async () => {
    expect(await hasher.verify(await hasher.hash(NORMAL), NORMAL, TYPED)).toBe(true)
    expect(await hasher.verify(await hasher.hash(TYPED), NORMAL, TYPED)).toBe(true)
    expect(await hasher.verify(await hasher.hash(TYPED), NORMAL)).toBe(false)
  })
})

describe('the cost of a hash', () => {
  const KEY = 'a'.repeat(64)
  const PHC = 'c2l4dGVlbiBieXRlcyBvaw$XM90llD5gmGDhkVKdQD5pJyYOkb/rlzQMFoCz3EGWwk'
  const bcrypt = (cost: string) => `$2b$${cost}$abcdefghijklmnopqrstuua5ziywSAmXZUJh15MAiGuNDpEGm53xS`

  /** For each algorithm, the costliest hash that is taken and the next one. */
  const bounds: [costliest: string, next: string][] = [
    [bcrypt('14'), bcrypt('15')],
    [`pbkdf2:sha1:4000000$salt$${KEY.slice(0, 40)}`, `pbkdf2:sha1:4000001$salt$${KEY.slice(0, 40)}`],
    [`pbkdf2:sha256:4000000$salt$${KEY}`, `pbkdf2:sha256:4000001$salt$${KEY}`],
    // Four times the digest's length is four times the work.
    [`pbkdf2:sha256:1000000$salt$${KEY.repeat(4)}`, `pbkdf2:sha256:1000001$salt$${KEY.repeat(4)}`],
    [`pbkdf2:sha512:2000000$salt$${KEY}`, `pbkdf2:sha512:2000001$salt$${KEY}`],
    [`scrypt:262144:8:1$salt$${KEY}`, `scrypt:262144:8:2$salt$${KEY}`],
    [`$argon2i$v=19$m=262144,t=4,p=1$${PHC}`, `$argon2i$v=19$m=262144,t=5,p=1$${PHC}`],
    [`$argon2i$v=19$m=262144,t=1,p=1$${PHC}`, `$argon2i$v=19$m=262145,t=1,p=1$${PHC}`],
  ]

  test.each(bounds)('%s is accepted, and %s is refused', (costliest, next) => {
    expect(readHash(costliest)).toMatchObject({ weak: false })
    expect(readHash(next)).toEqual({ problem: expect.stringContaining('too costly') })
  })

  test('one core checks the costliest accepted hash in about a second', async () => {
    for (const [costliest] of bounds) {
      const start = process.cpuUsage()
      expect(await hasher.verify(costliest, PASSWORD)).toBe(false)
      const { user, system } = process.cpuUsage(start)
      // Twice as long where another process has the other half of the core, and some more.
      expect([costliest, (user + system) / 1e6 < 3]).toEqual([costliest, true])
    }
  }, 120_000)

  test.each([
    bcrypt('17'),
    bcrypt('31'),
    `pbkdf2:sha256:9999999999$salt$${KEY}`,
    `scrypt:1073741824:1:1$salt$${KEY}`,
    `scrypt:16384:8:9999$salt$${KEY}`,
    `scrypt:2:9999:9999$salt$${KEY}`,
    `$scrypt$ln=63,r=8,p=1$${PHC}`,
    `$argon2i$v=19$m=1048577,t=1,p=1$${PHC}`,
    `$argon2i$v=19$m=65536,t=65,p=1$${PHC}`,
    `$argon2i$v=19$m=1024,t=4294967295,p=1$${PHC}`,
    `$argon2i$v=19$m=65536,t=1,p=65$${PHC}`,
  ])('%s is refused, and never run, not even where it is stored', async hash => {
    expect(readHash(hash)).toEqual({ problem: expect.stringContaining('too costly') })
    // The costliest of them would take years.
    expect(await hasher.verify(hash, PASSWORD)).toBe(false)
  })

  test.each([
    bcrypt('03'),
    `pbkdf2:sha256:0$salt$${KEY}`,
    `scrypt:0:8:1$salt$${KEY}`,
    `scrypt:30000:8:1$salt$${KEY}`,
    `scrypt:16384:0:1$salt$${KEY}`,
    `$scrypt$ln=0,r=8,p=1$${PHC}`,
    `$argon2id$v=19$m=7,t=1,p=1$${PHC}`,
    `$argon2i$v=19$m=64,t=0,p=1$${PHC}`,
  ])('%s is not possible', async hash => {
    expect(readHash(hash)).toEqual({ problem: expect.stringContaining('does not have') })
  })

  test('scrypt at its limit works', async () => {
    // hashlib.scrypt(b'pw', salt=b'salt', n=2**18, r=8, p=1, dklen=16)
    expect(await hasher.verify('scrypt:262144:8:1$salt$4cf1b06def73639690c050fcb7f2d64e', 'pw')).toBe(true)
  })

  const isWeak = (read: ReadHash) => 'weak' in read && read.weak
  test.each([
    [bcrypt('09'), bcrypt('10')],
    [`pbkdf2:sha256:99999$salt$${KEY}`, `pbkdf2:sha256:100000$salt$${KEY}`],
    [`scrypt:8192:8:1$salt$${KEY}`, `scrypt:16384:8:1$salt$${KEY}`],
    [`$argon2id$v=19$m=4096,t=3,p=1$${PHC}`, `$argon2id$v=19$m=19456,t=2,p=1$${PHC}`],
  ])('%s is known to be weak, %s is not', (weak, strong) => {
    expect([weak, strong].map(hash => readHash(hash)).map(isWeak)).toEqual([true, false])
  })
})

test.each([
  ['MD5', '5f4dcc3b5aa765d61d8327deb882cf99'],
  ['salted SHA-1 of an old Werkzeug', 'sha1$salt$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8'],
  [
    'argon2d',
    '$argon2d$v=19$m=65536,t=3,p=4$c2l4dGVlbiBieXRlcyBvaw$z6JG4D6WJXKHU8ukts9O+YqJLChiwmJm9kjLr/j1OAU',
  ],
  ['the broken $2x$', '$2x$10$abcdefghijklmnopqrstuua5ziywSAmXZUJh15MAiGuNDpEGm53xS'],
  ['a key that is cut short', 'pbkdf2:sha256:600000$salt$ea622e76'],
  ['nothing after the salt', 'pbkdf2:sha256:600000$salt$'],
  ['a line end after it', `${CHEAP_HASH}\n`],
  ['a password in the clear', PASSWORD],
  ['empty text', ''],
])('%s is refused, and is the hash of nothing', async (_, hash) => {
  expect(readHash(hash)).toEqual({ problem: 'The password hash is of a kind that is not known here.' })
  expect(await hasher.verify(hash, PASSWORD)).toBe(false)
  expect(await hasher.verify(hash, '')).toBe(false)
})

test('a hash with any change is refused or does not match, and never throws', async () => {
  const cheap = [CHEAP_HASH, 'pbkdf2:sha1:1000$BQbbrLJanDyd4ip8$6073a54d8b857d423d4fb30b639112f41df7544e']
  const edit = fc.record({
    hash: fc.constantFrom(...cheap),
    at: fc.nat(60),
    cut: fc.nat(3),
    text: fc.string({ maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(edit, async ({ hash, at, cut, text }) => {
      const read = readHash(hash.slice(0, at) + text + hash.slice(at + cut))
      // What costs more than the original is not run here.
      if ('problem' in read || !read.weak) return
      expect(typeof (await matchesHash(read.hash, PASSWORD, deriveInPool))).toBe('boolean')
    }),
    { numRuns: 300 },
  )
})
