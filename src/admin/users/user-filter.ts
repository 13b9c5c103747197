import { z } from 'zod'
import { labelField } from '../../accounts/fields.ts'
import type { App } from '../../app.ts'
import { hasUsableFactor } from '../../credentials/has-factor.ts'
import { checkInput, requireTime } from '../../input.ts'
import { usableDomain } from '../../ways-in.ts'

export type UserSelection = {
  search?: string | null | undefined
  role?: string | null | undefined
  disabled?: boolean | null | undefined
  emailVerified?: boolean | null | undefined
  hasSecondFactor?: boolean | null | undefined
  createdAfter?: Date | null | undefined
  createdBefore?: Date | null | undefined
}

/** SQL conditions on `users u`. */
export type Conditions = {
  values: unknown[]
  /** All conditions except the search; `true` if there are none. */
  filters: string
  /** The search term and its condition. */
  search: { term: string; matches: string } | undefined
  /** `filters` and the search condition. */
  where: string
}

const searchField = z.object({ search: labelField(100) })

/** PostgreSQL rejects U+0000, which no role name contains. */
function hasRole(role: string, param: (value: unknown) => string): string {
  if (role.includes('\0')) return 'false'
  return `EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role_name = ${param(role)})`
}

/** @throws AuthError BAD_USER_INPUT */
export function conditionsOf(app: App, selection: UserSelection): Conditions {
  const values: unknown[] = []
  const param = (value: unknown) => `$${values.push(value)}`
  const { role, disabled, emailVerified, hasSecondFactor } = selection
  const createdAfter = selection.createdAfter && requireTime('filter.createdAfter', selection.createdAfter)
  const createdBefore =
    selection.createdBefore && requireTime('filter.createdBefore', selection.createdBefore)
  const { search: term } = checkInput(searchField, { search: selection.search ?? '' }, 'filter')
  const nullCheck = (column: string, isNull: boolean) => `${column} IS ${isNull ? '' : 'NOT '}NULL`
  const filters =
    [
      role != null && hasRole(role, param),
      disabled != null && nullCheck('u.disabled_at', !disabled),
      emailVerified != null && nullCheck('u.email_verified_at', !emailVerified),
      hasSecondFactor != null &&
        `${hasSecondFactor ? '' : 'NOT '}${hasUsableFactor(param(usableDomain(app)))}`,
      createdAfter && `u.created_at > ${param(createdAfter)}`,
      createdBefore && `u.created_at < ${param(createdBefore)}`,
    ]
      .filter(condition => typeof condition === 'string')
      .join(' AND ') || 'true'
  if (term === null) return { values, filters, search: undefined, where: filters }
  // strpos instead of LIKE: no character of the term has a special meaning.
  const matches = `strpos(searched_text(u.email, u.username, u.display_name), lower(${param(term)}::text)) > 0`
  return { values, filters, search: { term, matches }, where: `${filters} AND ${matches}` }
}
