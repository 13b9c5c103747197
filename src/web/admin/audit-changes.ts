import type { Messages } from '../locales/en.ts'
import type { Times } from '../times.ts'

/** One line of what an event says. */
export type Change = { label: string; before?: string; value: string }

type Details = Record<string, unknown>

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/

export function detailsOf({ detail }: { detail: string | null }): Details {
  return JSON.parse(detail ?? '{}') as Details
}

/** The name of the role that an event is about. */
export function roleOf(event: { action: string; detail: string | null }): string | undefined {
  const { role } = detailsOf(event)
  return event.action.startsWith('role.') && typeof role === 'string' ? role : undefined
}

/** What an event changed, field by field, and what else it says, in the language of the page. */
export function changesOf(
  text: Messages,
  formatTime: Times['moment'],
  event: { action: string; detail: string | null },
): Change[] {
  const details = detailsOf(event)
  const { before, after, ...others } = details
  const isChange = typeof before === 'object' || typeof after === 'object'
  const rest: Details = isChange ? others : { ...details }
  if (roleOf(event) !== undefined) delete rest.role
  const { fields, because } = text.changes
  const labelOf = (name: string) => (fields as Partial<Record<string, string>>)[name] ?? name
  const show = (value: unknown): string => {
    if (value === null || value === undefined || value === '') return text.changes.nothing
    if (Array.isArray(value)) return value.length === 0 ? text.changes.nothing : value.map(show).join(', ')
    if (typeof value === 'boolean') return value ? text.changes.yes : text.changes.no
    if (typeof value === 'object') {
      // Such as what was removed, with the number of each, or what an export selected.
      const parts = Object.entries(value).filter(([, part]) => part !== 0)
      return parts.map(([name, part]) => `${labelOf(name)} ${show(part)}`).join(', ') || text.changes.nothing
    }
    const word = String(value)
    if (ISO_TIME.test(word)) return formatTime(word)
    return ({ ...because, ...text.factors.names } as Partial<Record<string, string>>)[word] ?? word
  }
  return [
    ...(isChange ? changedFields(before, after) : []).map(([name, was, is]) => ({
      label: labelOf(name),
      ...(before !== undefined && { before: show(was) }),
      value: show(is),
    })),
    ...Object.entries(rest).map(([name, value]) => ({ label: labelOf(name), value: show(value) })),
  ]
}

/** The name, the former and the new value of each field. Roles of an account are recorded as bare lists. */
function changedFields(before: unknown, after: unknown): [name: string, was: unknown, is: unknown][] {
  if (Array.isArray(before) || Array.isArray(after)) return [['roles', before, after]]
  const [was, is] = [(before ?? {}) as Details, (after ?? {}) as Details]
  return [...new Set([...Object.keys(was), ...Object.keys(is)])].map(name => [name, was[name], is[name]])
}

/** A change as text, such as `Roles: user → user, support`. */
export function changeText({ label, before, value }: Change): string {
  return before === undefined ? `${label}: ${value}` : `${label}: ${before} → ${value}`
}
