import { beforeAll, expect, test } from '@jest/globals'
import { login, newRole, signUpVerified, signUpWith } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { build, runCli } from '../support/cli.ts'
import { runCliHere } from '../support/cli-here.ts'
import { templatesTo } from '../support/mails.ts'
import { useService } from '../support/service.ts'
import { expectDead } from '../support/sessions.ts'
import { addSomePasskey, addSomeRecoveryCodes, addSomeTotp } from '../support/some-factors.ts'

const AUTHOGRAPH_SECRET = 'a secret that only the tests may know'
const service = useService({ settings: { AUTHOGRAPH_SECRET } })
beforeAll(build, 120_000)

const settings = () => ({ DATABASE_URL: service.app.config.database.url!, AUTHOGRAPH_SECRET })
const cli = (...args: string[]) => runCliHere(args, { settings: settings() })
const asProcess = (...args: string[]) => runCli(args, { settings: settings() })

test('require-second-factor sets the time for a role and says how many people still have none, and --off ends it', async () => {
  const role = await newRole(service)
  await signUpWith(service, role)
  const args = ['require-second-factor', '--role', role]
  const set = await asProcess(...args, '--from', '2030-01-01T00:00:00Z')
  expect(set).toMatchObject({ exitCode: 0, stderr: '' })
  expect(set.stdout).toBe(
    `The role ${role} requires a second factor from 2030-01-01T00:00:00.000Z on. 1 person with the role must add one at the next sign-in after that.\n`,
  )
  expect(JSON.parse((await cli(...args, '--json')).stdout)).toEqual({
    role,
    requiredFrom: expect.stringMatching(/^\d{4}-/),
    peopleWithoutFactor: 1,
  })
  expect((await cli(...args, '--off')).stdout).toBe(`The role ${role} no longer requires a second factor.\n`)
  const events = await service.app.db.auditEvent.findMany({
    where: { action: 'role.updated', detail: { path: ['role'], equals: role } },
  })
  expect(events).toHaveLength(3)
  expect(events[0]).toMatchObject({ actorId: null })
})

test('require-second-factor refuses an unknown role, a bad time and contradicting options', async () => {
  const role = await newRole(service)
  for (const [args, says] of [
    [['--role', 'no-such-role'], 'There is no role with this name.'],
    [['--role', role, '--from', 'tomorrow'], 'Write --from as a time such as 2030-01-31T12:00:00Z.'],
    [['--role', role, '--from', '2030-01-01T00:00:00Z', '--off'], '--off can’t be combined with --from.'],
  ] as const) {
    const run = await cli('require-second-factor', ...args)
    expect([run.exitCode, run.stdout]).toEqual([1, ''])
    expect(run.stderr).toContain(says)
  }
})

test('reset-factors removes every factor of an account, any spelling of its address, and records the reason', async () => {
  const ada = await signUpVerified(service)
  await addSomeTotp(service, ada.id)
  await addSomePasskey(service, ada.id)
  await addSomeRecoveryCodes(service, ada.id)
  const reason = 'The last administrator lost the phone'
  const run = await asProcess('reset-factors', '--email', ada.email.toUpperCase(), '--reason', reason)
  expect(run).toMatchObject({ exitCode: 0, stderr: '' })
  expect(run.stdout).toContain('1 authenticator app, 1 passkey or security key, 10 recovery codes')
  await expectDead(service, ada)
  expect((await login(service, { identifier: ada.email })).data?.login.__typename).toBe(
    'SecondFactorSetupRequired',
  )
  const event = (await auditOf(service, ada.id)).find(({ action }) => action === 'factor.reset')
  expect(event).toMatchObject({ actorId: null, detail: { reason } })
  expect(await templatesTo(service, ada.email)).toContain('factors-reset')
  const again = await cli('reset-factors', '--email', ada.email, '--reason', reason, '--json')
  expect(JSON.parse(again.stdout)).toEqual({
    email: ada.email,
    removed: { authenticatorApps: 0, passkeys: 0, recoveryCodes: 0 },
  })
})

test('reset-factors refuses an address without an account and an empty reason', async () => {
  const ada = await signUpVerified(service)
  const unknown = await cli('reset-factors', '--email', 'unknown@example.com', '--reason', 'Lost')
  expect([unknown.exitCode, unknown.stderr]).toEqual([1, 'unknown@example.com has no account.\n'])
  const empty = await cli('reset-factors', '--email', ada.email, '--reason', ' ')
  expect([empty.exitCode, empty.stdout]).toEqual([1, ''])
  expect(empty.stderr).toContain('Enter a reason.')
})
