import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { createVerifier } from '../../src/verify/index.ts'
import { type Row, ratioRow } from './table.ts'

const ISSUER = 'https://auth.example.com'
const AUDIENCE = 'authograph'
const TOKENS = 200
/** Short and many, because other work on the machine comes and goes within a second. */
const ROUNDS = 60
const ROUND_MS = 100
/** Verifications in flight, as in a server with this number of requests. */
const CONCURRENCY = 16

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
  const contenders = {
    bare: (token: string) => jwtVerify(token, publicKey, checks),
    plain: (token: string) => plain.verify(token),
    cached: (token: string) => cached.verify(token),
  }
  const rates = { bare: [] as number[], plain: [] as number[], cached: [] as number[] }
  for (const verify of Object.values(contenders)) await rateOf(verify, tokens)
  const names = ['bare', 'plain', 'cached'] as const
  // Each follows the others in turn, because one leaves its garbage to the next.
  for (let round = 0; round < ROUNDS; round++)
    for (const name of round % 2 ? names.toReversed() : names)
      rates[name].push(await rateOf(contenders[name], tokens))
  const show = (rate: number) => `${Math.round(rate).toLocaleString('en-US')}/s`
  return [
    ratioRow('verify, without a cache', rates.plain, 'jose', rates.bare, show, { atLeast: 0.95 }),
    ratioRow('verify, cached tokens', rates.cached, 'jose', rates.bare, show, { atLeast: 20 }),
  ]
}

/**
 * Verifications a second of processor time, of all threads, so that other work on the machine does not count. Each token is
 * a new string, as it is in a request.
 */
async function rateOf(verify: (token: string) => Promise<unknown>, tokens: string[]): Promise<number> {
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
