// Starts the service three times with the given command. A client registers on the first run, and on the first two
// runs calls login, refreshToken, me and logout. The first run ends with kill -9, the second with SIGTERM, sent to the
// process of the command as `npm start & kill $!` does. The third run gets SIGTERM while it starts. After a SIGTERM,
// neither the service nor its PostgreSQL may keep running.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const [command, ...args] = process.argv.slice(2)
const url = `http://localhost:${process.env.PORT}`
const PID_FILE = 'data/postgres/postmaster.pid'
const account = { email: 'ada@example.com', password: 'an engine of brass' }

await visit(async () => {
  await send('mutation ($input: RegisterInput!) { register(input: $input) { __typename } }', {
    input: account,
  })
  await signInAndOut()
}, 'SIGKILL')
await visit(signInAndOut, 'SIGTERM')
await interrupt()
process.stdout.write('first start: OK\n')

function start() {
  const service = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  let printed = ''
  service.stdout.on('data', chunk => {
    process.stdout.write(chunk)
    printed += chunk
  })
  return { service, exited: once(service, 'exit'), printed: () => printed }
}

/** Starts the service, runs `client`, and ends the service with `signal`. */
async function visit(client, signal) {
  const { service, exited, printed } = start()
  try {
    await Promise.race([ready(printed), exited.then(() => assert.fail('the service ended'))])
    await client()
    if (signal !== 'SIGKILL') service.kill(signal)
  } catch (error) {
    process.kill(-service.pid, 'SIGKILL')
    throw error
  }
  if (signal === 'SIGKILL') process.kill(-service.pid, signal)
  await exited
  await gone()
  if (signal !== 'SIGKILL') await nothingLeft(service)
}

/** Ends the service while it starts: its PostgreSQL is running, but nothing answers yet. */
async function interrupt() {
  const { service, exited } = start()
  for (let tries = 0; !existsSync(PID_FILE); tries++) {
    if (tries > 6000) assert.fail('PostgreSQL did not start within two minutes')
    await sleep(20)
  }
  service.kill('SIGTERM')
  await exited
  await nothingLeft(service)
}

/** npm may end shortly before the processes that it started. */
async function nothingLeft(service) {
  for (let tries = 0; tries < 100; tries++) {
    if (!existsSync(PID_FILE) && !alive(-service.pid)) return
    await sleep(100)
  }
  if (alive(-service.pid)) process.kill(-service.pid, 'SIGKILL')
  assert.fail('10 s after the signal, the service or its PostgreSQL still runs')
}

/** Whether the process exists, or any process of the group if the number is negative. */
function alive(pid) {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
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

/** npm may end before the service that it started. */
async function gone() {
  for (let tries = 0; tries < 100; tries++) {
    try {
      await fetch(`${url}/healthz`)
    } catch {
      return
    }
    await sleep(100)
  }
  assert.fail('the service still answers 10 s after the signal')
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
