// better-auth as its documentation sets it up, with argon2id in place of scrypt and without rate limits.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import pg from 'pg'
import { hashPassword, verifyPassword } from './hashing.mjs'

const { DATABASE_URL, DATABASE_POOL_SIZE } = process.env
const server = createServer()
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address()
const auth = betterAuth({
  baseURL: `http://127.0.0.1:${port}`,
  secret: 'a secret that only the bench may know',
  database: new pg.Pool({ connectionString: DATABASE_URL, max: Number(DATABASE_POOL_SIZE) }),
  emailAndPassword: {
    enabled: true,
    password: { hash: hashPassword, verify: ({ hash, password }) => verifyPassword(hash, password) },
  },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
})
await (await getMigrations(auth.options)).runMigrations()
server.on('request', toNodeHandler(auth))
process.send(port)
