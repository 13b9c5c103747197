import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
  sign,
} from 'node:crypto'
import { EmbeddedJWK, jwtVerify } from 'jose'
import pg from 'pg'
import type { App } from '../../src/app.ts'
import type { EmbeddedDatabase } from '../../src/database/embedded/start.ts'
import { newNonce } from '../../src/dpop/nonce.ts'
import { verifyProof } from '../../src/dpop/proof.ts'
import { meBeside } from './beside.ts'
import { type Cores, pin } from './cores.ts'
import { load, type Source } from './load.ts'
import { type Service, type Settings, startService } from './processes.ts'
import { measureProcessors } from './processor-time.ts'
import { type Account, PASSWORD, refresh } from './requests.ts'
import { CONNECTIONS, inTurns, perSecond } from './stages.ts'
import { type Row, ratioRow } from './table.ts'

/** Short and many, because other work on the machine comes and goes within a second. */
const ROUNDS = 80
const ROUND_MS = 150
/** More than a connection sends in a round. */
const PROOFS_PER_ROUND = 40
const VERIFIED = 200
const VERIFY_MS = 400
const HTU = 'http://localhost/graphql'

type Key = { privateKey: KeyObject; jwk: object }

/**
 * What sessions that are bound to a key cost: reading a proof, a refresh with one, and `me`, which has none with
 * DPOP=refresh. One core serves.
 */
export async function dpop(
  database: EmbeddedDatabase,
  settings: Settings,
  folder: string,
  cores: Cores | undefined,
): Promise<Row[]> {
  const DATABASE_URL = await database.ensureDatabase('dpop')
  const service = await startService({ ...settings, DATABASE_URL }, folder)
  const refreshes = async () => refreshing(service, DATABASE_URL, cores)
  return [
    ...(await proofs()),
    ...(await refreshes().finally(service.stop)),
    ...(await unproved(database, settings, folder, cores)),
  ]
}

/** `me` with DPOP=refresh, beside the same build with DPOP=off. */
async function unproved(
  database: EmbeddedDatabase,
  settings: Settings,
  folder: string,
  cores: Cores | undefined,
): Promise<Row[]> {
  const rates = await meBeside(database, folder, cores, {
    refresh: { ...settings, DPOP: 'refresh' },
    off: { ...settings, DPOP: 'off' },
  })
  return [ratioRow('me, DPOP=refresh', rates.refresh, 'DPOP=off', rates.off, perSecond, { atLeast: 0.98 })]
}

/** Against `jose.jwtVerify`: with the key at hand, and with a key that only the proof has. */
async function proofs(): Promise<Row[]> {
  const keys = { dpopNonce: randomBytes(32) }
  const app = { keys, clock: { now: () => new Date() } } as unknown as App
  const nonce = newNonce(app)
  // A nonce is valid for a minute, so the clock of these stands still.
  const still = { ...app, clock: { now: () => start } } as unknown as App
  const start = new Date()
  const proofsOf = (count: number) =>
    Array.from({ length: count }, newKey).flatMap(key =>
      Array.from({ length: VERIFIED / count }, () => proofOf(key, nonce)),
    )
  const known = proofsOf(1)
  const publicKey = JSON.parse(Buffer.from(known[0]?.split('.')[0] ?? '', 'base64url').toString()).jwk
  const key = createPublicKey({ key: publicKey, format: 'jwk' })
  const checks = { algorithms: ['ES256'], typ: 'dpop+jwt' }
  const url = () => HTU
  const verify = async (proof: string) => {
    if (typeof verifyProof(still, { proof, method: 'POST', url }) === 'string') throw new Error('refused')
  }
  const rates = await inTurns({
    known: () => rateOf(verify, known),
    bare: () => rateOf(proof => jwtVerify(proof, key, checks), known),
    fresh: () => rateOf(verify, proofsOf(VERIFIED), true),
    embedded: () => rateOf(proof => jwtVerify(proof, EmbeddedJWK, checks), proofsOf(VERIFIED), true),
  })
  return [
    ratioRow('proof, key known', rates.known, 'jose', rates.bare, perSecond, { atLeast: 0.9 }),
    ratioRow('proof, new key', rates.fresh, 'jose', rates.embedded, perSecond, { atLeast: 0.9 }),
  ]
}

/**
 * Calls a second of processor time, because `jose` spreads its work over threads. With `once`, of each proof once.
 */
async function rateOf(
  verify: (proof: string) => Promise<unknown>,
  all: string[],
  once = false,
): Promise<number> {
  const started = performance.now()
  const before = process.cpuUsage()
  let count = 0
  while (once ? count < all.length : performance.now() < started + VERIFY_MS) {
    await verify(all[count++ % all.length] ?? '')
  }
  const { user, system } = process.cpuUsage(before)
  return (count * 1_000_000) / (user + system)
}

/** Requests a second of processor time, of the server and of PostgreSQL for it. */
async function refreshing(service: Service, databaseUrl: string, cores: Cores | undefined): Promise<Row[]> {
  const keys = Array.from({ length: CONNECTIONS }, newKey)
  const free = await Promise.all(keys.map(() => register(service.port)))
  const bound = await Promise.all(keys.map(key => register(service.port, key)))
  await pin(service.pid, cores?.serving)
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 })
  const run = async (source: Source) => {
    const spent = await measureProcessors(service.pid, pool)
    const { latenciesMs } = await load(service.port, CONNECTIONS, source, AbortSignal.timeout(ROUND_MS))
    return (1000 * latenciesMs.length) / (await spent())
  }
  const rates: Record<'proved' | 'free', number[]> = { proved: [], free: [] }
  for (let round = -ROUNDS / 4; round < ROUNDS; round++) {
    // Signing takes as long as a round, which the server spends idle. So neither comes first each time.
    const proved = await withProofs(service.port, refresh(bound), keys)
    const turns = [
      ['proved', proved],
      ['free', refresh(free)],
    ] as const
    for (const [name, source] of round % 2 ? turns : turns.toReversed()) {
      const rate = await run(source)
      if (round >= 0) rates[name].push(rate)
    }
  }
  await pool.end()
  return [
    ratioRow('refreshToken with a proof', rates.proved, 'without', rates.free, perSecond, { atLeast: 0.75 }),
  ]
}

/** Adds a proof to each request. They are signed before the round, which is not measured. */
async function withProofs(port: number, source: Source, keys: Key[]): Promise<Source> {
  const nonce = await nonceOf(port)
  const prepared = keys.map(key => Array.from({ length: PROOFS_PER_ROUND }, () => proofOf(key, nonce)))
  return {
    ...source,
    next: connection => {
      const proof = prepared[connection]?.pop()
      if (proof === undefined) throw new Error('Too few proofs are prepared for a round.')
      return source.next(connection).replace('\r\nhost:', `\r\ndpop: ${proof}\r\nhost:`)
    },
  }
}

function newKey(): Key {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { privateKey, jwk: publicKey.export({ format: 'jwk' }) }
}

function proofOf({ privateKey, jwk }: Key, nonce: string): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const claims = { jti: randomUUID(), htm: 'POST', htu: HTU, iat: Math.floor(Date.now() / 1000), nonce }
  const input = `${encode({ typ: 'dpop+jwt', alg: 'ES256', jwk })}.${encode(claims)}`
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
}

async function nonceOf(port: number): Promise<string> {
  const { headers } = await post(port, '{ __typename }', {}, 'x')
  return headers.get('dpop-nonce') ?? ''
}

async function register(port: number, key?: Key): Promise<Account> {
  const email = `${randomUUID()}@example.com`
  const query =
    'mutation ($input: RegisterInput!) { register(input: $input) { ... on AuthPayload { accessToken refreshToken } } }'
  const proof = key && proofOf(key, await nonceOf(port))
  const response = await post(port, query, { input: { email, password: PASSWORD } }, proof)
  const { data } = (await response.json()) as { data: { register: Omit<Account, 'email'> } }
  return { email, ...data.register }
}

function post(port: number, query: string, variables: object, proof: string | undefined): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(proof && { dpop: proof }) },
    body: JSON.stringify({ query, variables }),
  })
}
