// The baseline for `me`: the same token and the same rows with only node:http, jsonwebtoken and pg, in its own process.
// Reads DATABASE_URL, JWKS_URL and DATABASE_POOL_SIZE, and sends its port to the parent.
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import jwt from 'jsonwebtoken'
import pg from 'pg'

const { DATABASE_URL, JWKS_URL = '', DATABASE_POOL_SIZE } = process.env
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: Number(DATABASE_POOL_SIZE) })
const jwks = (await (await fetch(JWKS_URL)).json()) as { keys: [JsonWebKey] }
const key = createPublicKey({ key: jwks.keys[0], format: 'jwk' })

const query = {
  name: 'me',
  text: `SELECT s.expires_at, s.revoked_at, u.disabled_at, u.id, u.email, u.username, u.display_name, u.locale, u.created_at
    FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1`,
}
type Row = { expires_at: Date; revoked_at: Date | null; disabled_at: Date | null }

async function me(authorization = ''): Promise<string | undefined> {
  const { sid } = jwt.verify(authorization.slice('Bearer '.length), key, { algorithms: ['ES256'] }) as {
    sid: string
  }
  const { rows } = await pool.query<Row>({ ...query, values: [sid] })
  const [row] = rows
  if (!row) return undefined
  const { expires_at, revoked_at, disabled_at, ...user } = row
  return revoked_at || disabled_at || expires_at <= new Date() ? undefined : JSON.stringify(user)
}

async function answer({ headers }: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = (await me(headers.authorization).catch(() => undefined)) ?? '{"errors":[]}'
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

const server = createServer((request, response) => void answer(request, response))
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
