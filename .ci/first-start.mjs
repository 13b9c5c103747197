// Starts the service with the command given, twice, the first time ended by kill -9, and goes each time
// through register (once), login, refreshToken, me and logout as a client would. Fails on any surprise.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

const [command, ...args] = process.argv.slice(2)
const url = `http://localhost:${process.env.PORT}`
const account = { email: 'ada@example.com', password: 'an engine of brass' }

await visit(async () => {
  await send('mutation ($input: RegisterInput!) { register(input: $input) { __typename } }', {
    input: account,
  })
  await signInAndOut()
}, 'SIGKILL')
await visit(signInAndOut, 'SIGTERM')
process.stdout.write('first start: all well\n')

/** Runs the service while `client` talks to it, and ends it by `signal`. */
async function visit(client, signal) {
  const service = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  let printed = ''
  service.stdout.on('data', chunk => {
    process.stdout.write(chunk)
    printed += chunk
  })
  const exited = once(service, 'exit')
  try {
    await Promise.race([ready(() => printed), exited.then(() => assert.fail('the service ended'))])
    await client()
  } finally {
    process.kill(-service.pid, signal)
  }
  await exited
  await gone()
}

async function ready(printed) {
  for (let tries = 0; tries < 600; tries++) {
    if (printed().includes(`${url}/graphql`)) {
      assert.equal((await fetch(`${url}/readyz`)).status, 200)
      return
    }
    await sleep(200)
  }
  assert.fail('the service was not ready within two minutes')
}

/** npm ends before the service that it started. */
async function gone() {
  for (let tries = 0; tries < 100; tries++) {
    try {
      await fetch(`${url}/healthz`)
    } catch {
      return
    }
    await sleep(100)
  }
  assert.fail('the service still answers 10 s after its signal')
}

async function send(query, variables, accessToken) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(accessToken && { authorization: `Bearer ${accessToken}` }),
    },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = await response.json()
  assert.equal(errors, undefined)
  return data
}

async function signInAndOut() {
  const { login } = await send(
    'mutation ($input: LoginInput!) { login(input: $input) { ... on AuthPayload { refreshToken } } }',
    { input: { identifier: account.email, password: account.password } },
  )
  const { refreshToken: pair } = await send(
    'mutation ($input: RefreshTokenInput!) { refreshToken(input: $input) { accessToken } }',
    { input: { refreshToken: login.refreshToken } },
  )
  const { me } = await send('{ me { email } }', {}, pair.accessToken)
  assert.equal(me.email, account.email)
  assert.equal((await send('mutation { logout }', {}, pair.accessToken)).logout, true)
}
