import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { createVerifier, type Verifier } from '../../src/verify/index.ts'
import { type Row, ratioRow } from './table.ts'

const ISSUER = 'https://auth.example.com'
const AUDIENCE = 'authograph'
const TOKENS = 200
/** Short and many, because other work on the machine comes and goes within a second. */
const ROUNDS = 200
const CACHED_ROUNDS = 20
const ROUND_MS = 50
/** Verifications in flight, as in a server with this number of requests. */
const CONCURRENCY = 16

type Verify = (token: string) => Promise<unknown>

/** The rate of the verifier, as a ratio to `jose.jwtVerify` with the same checks and the key at hand. */
export async function verifying(): Promise<Row[]> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' }
  const tokens = await Promise.all(
    Array.from({ length: TOKENS }, () =>
      new SignJWT({ client_id: AUDIENCE, sid: randomUUID(), gen: 3, acr: '1fa', amr: ['pwd'], auth_time: 1 })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(randomUUID())
        .setJti(randomUUID())
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey),
    ),
  )
  const options = {
    issuer: ISSUER,
    audience: AUDIENCE,
    fetch: async () => ({ status: 200, json: async () => ({ keys: [jwk] }) }),
  }
  const plain = createVerifier(options)
  const cached = createVerifier({ ...options, cachedTokens: TOKENS })
  const checks = { issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], typ: 'at+jwt' }
  const bare = (token: string) => jwtVerify(token, publicKey, checks)
  const show = (rate: number) => `${Math.round(rate).toLocaleString('en-US')}/s`
  const row = async (what: string, { verify }: Verifier, rounds: number, atLeast: number) => {
    const rates = await inTurns(rounds, tokens, verify, bare)
    return ratioRow(what, rates.measured, 'jose', rates.bare, show, { atLeast })
  }
  return [
    await row('verify, without a cache', plain, ROUNDS, 0.95),
    await row('verify, cached tokens', cached, CACHED_ROUNDS, 20),
  ]
}

/** Each follows itself and the other equally often, because one leaves its garbage to the next. */
async function inTurns(rounds: number, tokens: string[], measured: Verify, bare: Verify) {
  const rates = { measured: [] as number[], bare: [] as number[] }
  for (const verify of [measured, bare]) await rateOf(verify, tokens)
  for (let round = 0; round < rounds; round++) {
    const turns = [
      { verify: measured, into: rates.measured },
      { verify: bare, into: rates.bare },
    ]
    for (const { verify, into } of round % 2 ? turns.toReversed() : turns)
      into.push(await rateOf(verify, tokens))
  }
  return rates
}

/**
 * Verifications a second of processor time, of all threads, so that other work on the machine does not count. Each token is
 * a new string, as it is in a request.
 */
async function rateOf(verify: Verify, tokens: string[]): Promise<number> {
  const end = performance.now() + ROUND_MS
  const before = process.cpuUsage()
  let count = 0
  const work = async () => {
    while (performance.now() < end) {
      const token = tokens[count++ % tokens.length] ?? ''
      await verify(Buffer.from(token, 'latin1').toString('latin1'))
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  const { user, system } = process.cpuUsage(before)
  return (count * 1_000_000) / (user + system)
}
