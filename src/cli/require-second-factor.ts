import { requireSecondFactorOf } from '../admin/roles/set-role-second-factor.ts'
import { AuthError } from '../errors.ts'
import { print } from './print.ts'
import { withApp } from './with-app.ts'

type Options = { role: string; from?: string; off?: boolean; json?: boolean }

export async function requireSecondFactor({ role: name, from, off, json }: Options): Promise<void> {
  if (off && from !== undefined) throw usageError('--off can’t be combined with --from.')
  const requiredFrom = from === undefined ? undefined : timeOf(from)
  await withApp(async app => {
    const { role, without } = await requireSecondFactorOf(
      app,
      name,
      off ? null : (requiredFrom ?? app.clock.now()),
    )
    const since = role.secondFactorRequiredFrom
    const text = since
      ? `The role ${role.name} requires a second factor from ${since.toISOString()} on. ${peopleWithout(without)}`
      : `The role ${role.name} no longer requires a second factor.`
    print(text, { role: role.name, requiredFrom: since, peopleWithoutFactor: without }, json)
  })
}

function peopleWithout(count: number): string {
  if (count === 0) return 'Everyone with the role has one.'
  return `${count} ${count === 1 ? 'person' : 'people'} with the role must add one at the next sign-in after that.`
}

function timeOf(text: string): Date {
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) throw usageError('Write --from as a time such as 2030-01-31T12:00:00Z.')
  return time
}

function usageError(message: string): AuthError {
  return new AuthError('BAD_USER_INPUT', { message })
}
