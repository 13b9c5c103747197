import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { PASSWORD, signIn, signUp } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { build, type CliRun, runCli } from '../support/cli.ts'
import { runCliHere } from '../support/cli-here.ts'
import { mailedToken } from '../support/mails.ts'
import { ConfirmEmailChange, Login, Me, RequestEmailChange } from '../support/operations.ts'
import { codes, useService } from '../support/service.ts'
import { expectDead, stateOf } from '../support/sessions.ts'

const AUTHOGRAPH_SECRET = 'a secret that only the tests may know'

const service = useService({ settings: { AUTHOGRAPH_SECRET } })

beforeAll(build, 120_000)

function createAdmin(args: string[], input?: string, run = runCliHere): Promise<CliRun> {
  const settings = {
    DATABASE_URL: service.app.config.database.url!,
    AUTHOGRAPH_SECRET,
    ARGON2_MEMORY_KIB: '64',
    ARGON2_TIME_COST: '1',
  }
  return run(['create-admin', ...args], { settings, ...(input !== undefined && { input }) })
}

const countUsers = () => service.app.db.user.count()

test('create-admin creates a verified administrator who can sign in, and records this', async () => {
  const email = 'Root@Example.com'
  const args = ['--email', email, '--username', 'Root_1', '--display-name', 'Root of all', '--password-stdin']
  expect(await createAdmin(args, `${PASSWORD}\n`, runCli)).toEqual({
    exitCode: 0,
    stdout: `Created the administrator ${email}. Sign in with the password you entered.\n`,
    stderr: '',
  })
  const { id, accessToken: token } = await signIn(service, 'root_1')
  const { data } = await service.send(Me, {}, { token })
  expect(data?.me).toMatchObject({
    email,
    emailVerified: true,
    username: 'root_1',
    displayName: 'Root of all',
    roles: ['admin', 'user'],
    permissions: expect.arrayContaining(['roles:write']),
  })
  const [event] = await auditOf(service, id)
  expect(event).toMatchObject({
    action: 'user.created',
    actorId: null,
    ipAddress: null,
    detail: { roles: ['admin', 'user'] },
  })
  expect(JSON.stringify(event)).not.toContain(PASSWORD)
})

test('only the line break is removed from a password on standard input', async () => {
  const email = 'spaces@stdin.example'
  const password = ` ${PASSWORD} `
  expect(await createAdmin(['--email', email, '--password-stdin'], `${password}\r\n`)).toMatchObject({
    exitCode: 0,
  })
  await expect(signIn(service, email, password)).resolves.toMatchObject({ email })
  await expect(signIn(service, email, PASSWORD)).rejects.toThrow('INVALID_CREDENTIALS')
})

/** Another user registers the address of the future administrator first, and keeps the session. */
const squat = () => signUp(service, { email: `${randomUUID()}@squatted.example` })
const verify = (id: string) =>
  service.app.db.user.update({ where: { id }, data: { emailVerifiedAt: service.clock.now() } })

async function rolesOf(id: string): Promise<string[]> {
  const roles = await service.app.db.userRole.findMany({
    where: { userId: id },
    orderBy: { roleName: 'asc' },
  })
  return roles.map(({ roleName }) => roleName)
}

describe('create-admin for an address that already has an account', () => {
  test.each([
    [
      'create-admin with a password',
      ['--password-stdin'],
      /already has an account.*never verified.*no password was set.*--promote/,
    ],
    ['create-admin without a password', [], /already has an account.*--promote/],
    ['create-admin with --promote for an unverified address', ['--promote'], /never verified.*--verify/],
  ])('%s fails, and the user who registered the address gains nothing', async (_, args, advice) => {
    const squatter = await squat()
    const before = await auditOf(service, squatter.id)
    const { exitCode, stdout, stderr } = await createAdmin(['--email', squatter.email, ...args], PASSWORD)
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(advice)
    expect(stderr).not.toContain('    at ')
    expect(await rolesOf(squatter.id)).toEqual(['user'])
    expect(await stateOf(service, squatter.accessToken)).toBe('LIVE')
    expect(await auditOf(service, squatter.id)).toEqual(before)
  })

  test.each([
    ['a password', ['--password-stdin']],
    ['a username', ['--username', 'root_2']],
    ['a display name', ['--display-name', 'Root']],
  ])('--promote can’t be combined with %s, and changes nothing', async (_, args) => {
    const { id, email } = await signUp(service)
    await verify(id)
    const run = await createAdmin(['--email', email, '--promote', ...args], 'another good password 7')
    expect(run).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('be combined with'),
    })
    expect(await rolesOf(id)).toEqual(['user'])
    await expect(signIn(service, email)).resolves.toMatchObject({ id })
  })

  test('--promote makes a verified account an administrator, whatever the spelling of its address; its sessions end, and its password stays', async () => {
    const account = await signUp(service)
    await verify(account.id)
    const args = ['--email', ` ${account.email.toUpperCase()} `, '--promote']
    const first = await createAdmin(args)
    expect(first).toMatchObject({ exitCode: 0, stderr: '' })
    expect(first.stdout).toContain(
      'is now an administrator. Its password is unchanged; its sessions and links have ended.',
    )
    await expectDead(service, account)
    const { id, accessToken: token } = await signIn(service, account.email)
    const { data } = await service.send(Me, {}, { token })
    expect(data?.me?.roles).toEqual(['admin', 'user'])

    const second = await createAdmin(args)
    expect(second).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('is already an administrator. Nothing changed.'),
    })
    expect(await stateOf(service, token)).toBe('LIVE')
    const changes = (await auditOf(service, id)).filter(({ action }) => action === 'user.roles_changed')
    expect(changes).toMatchObject([{ actorId: null, detail: { added: 'admin' } }])
  })

  test('--promote --verify verifies and promotes an account, ends its sessions and is recorded', async () => {
    const squatter = await squat()
    const run = await createAdmin(['--email', squatter.email, '--promote', '--verify'])
    expect(run).toMatchObject({ exitCode: 0, stderr: '' })
    await expectDead(service, squatter)
    const user = await service.app.db.user.findUniqueOrThrow({ where: { id: squatter.id } })
    expect(user.emailVerifiedAt).not.toBeNull()
    const changes = (await auditOf(service, squatter.id)).filter(
      ({ action }) => action === 'user.roles_changed',
    )
    expect(changes).toMatchObject([{ actorId: null, detail: { added: 'admin', verified: true } }])
  })

  test('links emailed before a promotion can’t be used to take over the account', async () => {
    const squatter = await squat()
    const newEmail = `${randomUUID()}@attacker.example`
    const asked = await service.send(
      RequestEmailChange,
      { input: { newEmail } },
      { token: squatter.accessToken },
    )
    expect(asked.errors).toEqual([])
    const token = await mailedToken(service, newEmail, 'confirm-email')
    await createAdmin(['--email', squatter.email, '--promote', '--verify'])
    const opened = await service.send(ConfirmEmailChange, { input: { token } })
    expect(codes(opened)).toEqual(['TOKEN_INVALID'])
    const user = await service.app.db.user.findUniqueOrThrow({ where: { id: squatter.id } })
    expect(user.email).toBe(squatter.email)
  })
})

test('--promote for an address without an account fails and creates none', async () => {
  const count = await countUsers()
  const run = await createAdmin(['--email', 'none@cli.example', '--promote'])
  expect(run).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining('has no account') })
  expect(await countUsers()).toBe(count)
})

test('--verify without --promote is an error', async () => {
  const run = await createAdmin(['--email', 'none@cli.example', '--verify', '--password-stdin'], PASSWORD)
  expect(run).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining('--promote') })
})

test.each([
  ['a password derived from the address', 'zebulonkettlewick', [], 'Do not base the password on your name'],
  ['an empty password', '', [], 'Enter a password.'],
  ['an invalid username', PASSWORD, ['--username', '?'], 'Use 3 to 32 characters from'],
])(
  '%s fails with advice, does not show the password and creates nothing',
  async (_, password, args, advice) => {
    const count = await countUsers()
    const email = ['--email', 'zebulon.kettlewick@cli.example', '--password-stdin']
    const { exitCode, stdout, stderr } = await createAdmin([...email, ...args], `${password}\n`)
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toContain(advice)
    expect(stderr).not.toContain('    at ')
    if (password) expect(stderr).not.toContain(password)
    expect(await countUsers()).toBe(count)
  },
)

test('a taken username fails with advice', async () => {
  const username = 'first_come'
  await signUp(service, { username })
  const args = ['--email', 'second@cli.example', '--username', 'First_Come', '--password-stdin']
  const { exitCode, stderr } = await createAdmin(args, PASSWORD)
  expect(exitCode).toBe(1)
  expect(stderr).toBe('This username is taken. Choose another.\n')
})

test('without a terminal, the error tells how to pass the password', async () => {
  const count = await countUsers()
  const { exitCode, stdout, stderr } = await createAdmin(['--email', 'b@cli.example'], PASSWORD, runCli)
  expect([exitCode, stdout]).toEqual([1, ''])
  expect(stderr).toBe(
    'There is no terminal to ask for the password. Pipe it to standard input with --password-stdin.\n',
  )
  expect(await countUsers()).toBe(count)
})

test('of two simultaneous runs for one address, one creates the account and the other reports that it exists', async () => {
  const args = ['--email', 'twice@cli.example', '--password-stdin']
  const runs = await Promise.all([createAdmin(args, PASSWORD, runCli), createAdmin(args, PASSWORD, runCli)])
  expect(runs.map(run => run.exitCode).sort()).toEqual([0, 1])
  for (const { exitCode, stderr } of runs) {
    if (exitCode === 1) expect(stderr).toMatch(/already has an account/)
  }
  const user = { emailCanonical: 'twice@cli.example' }
  expect(await service.app.db.userRole.count({ where: { user, roleName: 'admin' } })).toBe(1)
})

test('promoting a disabled account warns that it stays disabled', async () => {
  const { id, email } = await signUp(service)
  await service.app.db.user.update({ where: { id }, data: { disabledAt: service.clock.now() } })
  await verify(id)
  const { stdout } = await createAdmin(['--email', email, '--promote'])
  expect(stdout).toContain('disabled')
  const reply = await service.send(Login, { input: { identifier: email, password: PASSWORD } })
  expect(reply.errors).toMatchObject([{ extensions: { code: 'ACCOUNT_DISABLED' } }])
})
