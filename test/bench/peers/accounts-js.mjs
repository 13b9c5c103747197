// accounts-js over Express and TypeORM as its documentation sets it up, with argon2id in place of bcrypt.
import { once } from 'node:events'
import { createRequire } from 'node:module'
import express from 'express'
import { hashPassword, verifyPassword } from './hashing.mjs'

const require = createRequire(import.meta.url)
const { AccountsPassword } = require('@accounts/password')
const { default: accountsExpress } = require('@accounts/rest-express')
const { AccountsServer } = require('@accounts/server')
const { AccountsTypeorm, entities } = require('@accounts/typeorm')
const { createConnection } = require('typeorm')

const { DATABASE_URL, DATABASE_POOL_SIZE } = process.env
const connection = await createConnection({
  type: 'postgres',
  url: DATABASE_URL,
  entities,
  synchronize: true,
  extra: { max: Number(DATABASE_POOL_SIZE) },
})
const password = new AccountsPassword({
  hashPassword,
  verifyPassword: (given, stored) => verifyPassword(stored, given),
})
const accounts = new AccountsServer(
  {
    db: new AccountsTypeorm({ connection }),
    tokenSecret: 'a secret that only the bench may know',
    enableAutologin: false,
    ambiguousErrorMessages: true,
  },
  { password },
)
const app = express()
app.use(express.json())
app.use(accountsExpress(accounts))
const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')
process.send(server.address().port)
