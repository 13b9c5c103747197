import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useEffect, useState } from 'react'
import type { AuditFilter } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import type { ListState } from './list-state.ts'
import { PersonFilter } from './person-filter.tsx'

/** Filters the audit log. The address of the page has every value. */
export function AuditFilters({ state }: { state: ListState }) {
  const { audit: says, actions, users } = useText()
  const field = (name: string) => ({
    value: state.get(name),
    onChange: (value: string) => state.set({ [name]: value }),
  })
  const time = (name: 'from' | 'to') => ({
    type: 'datetime-local',
    max: '9999-12-31T23:59',
    value: localTime(state.get(name), name),
    onChange: (event: { currentTarget: HTMLInputElement }) =>
      state.set({ [name]: event.currentTarget.value }),
  })
  const filtered = ['action', 'actor', 'subject', 'address', 'from', 'to'].some(name => state.get(name))
  return (
    <search className="filters" data-audit>
      <NativeSelect
        label={says.action}
        value={state.get('action')}
        onChange={event => state.set({ action: event.currentTarget.value })}
        data={[
          { value: '', label: says.anyAction },
          ...Object.entries(actions).map(([value, label]) => ({ value, label })),
        ]}
      />
      <PersonFilter label={says.actor} {...field('actor')} />
      <PersonFilter label={says.subject} {...field('subject')} />
      <AddressFilter state={state} />
      <TextInput label={says.from} {...time('from')} />
      <TextInput label={says.to} {...time('to')} />
      {filtered && (
        <Button variant="subtle" size="compact-sm" onClick={state.clear} className="clear-filters">
          {users.clear}
        </Button>
      )}
    </search>
  )
}

/** Takes effect with Enter or when it is left, because part of an address is not one. */
function AddressFilter({ state }: { state: ListState }) {
  const { audit: says } = useText()
  const shown = state.get('address')
  const [typed, setTyped] = useState(shown)
  useEffect(() => setTyped(shown), [shown])
  const set = () => typed.trim() !== shown && state.set({ address: typed.trim() })
  return (
    <TextInput
      label={says.where}
      value={typed}
      spellCheck={false}
      autoComplete="off"
      error={shown !== '' && !isAddress(shown) && says.badAddress}
      onChange={event => setTyped(event.currentTarget.value)}
      onBlur={set}
      onKeyDown={event => event.key === 'Enter' && set()}
    />
  )
}

/** What the server accepts as an address, roughly: it has the last word. */
function isAddress(text: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) || /^[\da-f]*:[\da-f:.]+$/i.test(text)
}

export function auditFilterOf(state: ListState): AuditFilter {
  const [action, actorId, subjectId, ipAddress] = ['action', 'actor', 'subject', 'address'].map(state.get)
  const [after, before] = [instant(state.get('from'), 'from'), instant(state.get('to'), 'to')]
  return {
    ...(action && { action }),
    ...(actorId && { actorId }),
    ...(subjectId && { subjectId }),
    ...(ipAddress && isAddress(ipAddress) && { ipAddress }),
    ...(after && { after }),
    ...(before && { before }),
  }
}

const DAY = /^\d{4}-\d\d-\d\d$/

/** A value of the address for an input. A day alone means all of it. */
function localTime(value: string, end: 'from' | 'to'): string {
  if (!DAY.test(value)) return value
  return `${value}T${end === 'from' ? '00:00' : '23:59'}`
}

/** The bound for the server, which excludes it: events of the first and the last minute are included. */
function instant(value: string, end: 'from' | 'to'): string | undefined {
  const at = new Date(localTime(value, end))
  if (Number.isNaN(at.getTime())) return undefined
  at.setTime(at.getTime() + (end === 'from' ? -1 : 60_000))
  return at.toISOString()
}
