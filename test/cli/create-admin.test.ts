import { beforeAll, expect, test } from '@jest/globals'
import { auditOf } from '../support/audit.ts'
import { build, type CliRun, runCli } from '../support/cli.ts'
import { Login, Me } from '../support/operations.ts'
import { PASSWORD, signIn, signUp, useService } from '../support/service.ts'

const AUTHOGRAPH_SECRET = 'a secret that only the tests may know'

const service = useService({ settings: { AUTHOGRAPH_SECRET } })

beforeAll(build)

function createAdmin(args: string[], input?: string): Promise<CliRun> {
  const settings = {
    DATABASE_URL: service.app.config.database.url!,
    AUTHOGRAPH_SECRET,
    ARGON2_MEMORY_KIB: '64',
    ARGON2_TIME_COST: '1',
  }
  return runCli(['create-admin', ...args], { settings, ...(input !== undefined && { input }) })
}

const countUsers = () => service.app.db.user.count()

test('a new administrator is made, verified and on record, and signs in', async () => {
  const email = 'Root@Example.com'
  const args = ['--email', email, '--username', 'Root_1', '--display-name', 'Root of all', '--password-stdin']
  expect(await createAdmin(args, `${PASSWORD}\n`)).toEqual({
    exitCode: 0,
    stdout: `${email} is an administrator. Sign in with the password you gave.\n`,
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

test('of standard input only the line end is dropped', async () => {
  const email = 'spaces@stdin.example'
  const password = ` ${PASSWORD} `
  expect(await createAdmin(['--email', email, '--password-stdin'], `${password}\r\n`)).toMatchObject({
    exitCode: 0,
  })
  await expect(signIn(service, email, password)).resolves.toMatchObject({ email })
  await expect(signIn(service, email, PASSWORD)).rejects.toThrow('INVALID_CREDENTIALS')
})

test('an account that exists is promoted, in any spelling, keeps its password and session, on record once', async () => {
  const { id, email, accessToken: token } = await signUp(service)
  const spelling = ` ${email.toUpperCase()} `
  for (const _ of [1, 2]) {
    const { exitCode, stdout, stderr } = await createAdmin(['--email', spelling])
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout).toContain('had an account already and is an administrator now; its password stays.')
  }
  const { data } = await service.send(Me, {}, { token })
  expect(data?.me?.roles).toEqual(['admin', 'user'])
  await expect(signIn(service, email)).resolves.toMatchObject({ id })
  const changes = (await auditOf(service, id)).filter(({ action }) => action === 'user.roles_changed')
  expect(changes).toMatchObject([{ actorId: null, detail: { added: 'admin' } }])
})

test.each([
  ['a password made of the address', 'zebulonkettlewick', [], 'Do not make the password of your name'],
  ['an empty password', '', [], 'Write the password.'],
  ['a username that is none', PASSWORD, ['--username', '?'], 'Use 3 to 32 of the characters'],
])('%s fails with advice and no echo, and makes nothing', async (_, password, args, advice) => {
  const count = await countUsers()
  const email = ['--email', 'zebulon.kettlewick@cli.example', '--password-stdin']
  const { exitCode, stdout, stderr } = await createAdmin([...email, ...args], `${password}\n`)
  expect([exitCode, stdout]).toEqual([1, ''])
  expect(stderr).toContain(advice)
  expect(stderr).not.toContain('    at ')
  if (password) expect(stderr).not.toContain(password)
  expect(await countUsers()).toBe(count)
})

test('a username that is taken fails with advice', async () => {
  const username = 'first_come'
  await signUp(service, { username })
  const args = ['--email', 'second@cli.example', '--username', 'First_Come', '--password-stdin']
  const { exitCode, stderr } = await createAdmin(args, PASSWORD)
  expect(exitCode).toBe(1)
  expect(stderr).toBe('This username is taken. Choose another.\n')
})

test('without a terminal to ask on, it says how else to give the password', async () => {
  const count = await countUsers()
  const { exitCode, stdout, stderr } = await createAdmin(['--email', 'b@cli.example'], PASSWORD)
  expect([exitCode, stdout]).toEqual([1, ''])
  expect(stderr).toBe('There is no terminal to ask for the password on: pipe it in with --password-stdin.\n')
  expect(await countUsers()).toBe(count)
})

test('of two at once for one address both are content, and there is one account', async () => {
  const args = ['--email', 'twice@cli.example', '--password-stdin']
  const runs = await Promise.all([createAdmin(args, PASSWORD), createAdmin(args, PASSWORD)])
  for (const { exitCode, stderr } of runs) {
    expect([
      [0, ''],
      [1, expect.stringContaining('already has an account')],
    ]).toContainEqual([exitCode, stderr])
  }
  expect(runs.map(run => run.exitCode)).toContain(0)
  const user = { emailCanonical: 'twice@cli.example' }
  expect(await service.app.db.userRole.count({ where: { user, roleName: 'admin' } })).toBe(1)
})

test('of a disabled account it says that promoting it does not enable it', async () => {
  const { id, email } = await signUp(service)
  await service.app.db.user.update({ where: { id }, data: { disabledAt: service.clock.now() } })
  const { stdout } = await createAdmin(['--email', email])
  expect(stdout).toContain('disabled')
  const reply = await service.send(Login, { input: { identifier: email, password: PASSWORD } })
  expect(reply.errors).toMatchObject([{ extensions: { code: 'ACCOUNT_DISABLED' } }])
})
