import { NativeSelect, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useRef, useState } from 'react'
import { SearchIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import type { ListState } from './list-state.ts'
import { DEFAULT_ORDER, FACTORS, ORDERS, STATES } from './people-query.ts'
import { useRoles } from './role-choice.tsx'

const SEARCH_DELAY_MS = 300

const keysOf = <Key extends string>(record: Record<Key, unknown>) => Object.keys(record) as Key[]

/** Searches and filters the list of people. The order is chosen here where there is no room for its headings. */
export function PeopleFilters({ state }: { state: ListState }) {
  const { users: says } = useText()
  const roles = useRoles()
  const search = useSearchField(state)
  const select = (name: string) => ({
    value: state.get(name),
    onChange: (event: { currentTarget: HTMLSelectElement }) =>
      state.set({ [name]: event.currentTarget.value }),
  })
  return (
    <search className="filters" data-people>
      <TextInput type="search" label={says.search} {...search} leftSection={<SearchIcon size={16} />} />
      <NativeSelect
        label={says.role}
        data={[{ value: '', label: says.anyRole }, ...(roles.data ?? []).map(({ name }) => name)]}
        {...select('role')}
      />
      <NativeSelect
        label={says.state}
        data={[
          { value: '', label: says.anyState },
          ...keysOf(STATES).map(value => ({ value, label: says[value] })),
        ]}
        {...select('state')}
      />
      <NativeSelect
        label={says.factor}
        data={[
          { value: '', label: says.anyFactor },
          ...keysOf(FACTORS).map(value => ({ value, label: says.factors[value] })),
        ]}
        {...select('factor')}
      />
      <NativeSelect
        hiddenFrom="md"
        label={says.order}
        data={keysOf(ORDERS).map(value => ({
          value: value === DEFAULT_ORDER ? '' : value,
          label: says.orders[value],
        }))}
        {...select('order')}
      />
    </search>
  )
}

/** Puts what is typed into the address after a pause, and shows what comes from there, such as after going back. */
function useSearchField(state: ListState) {
  const shown = state.get('search')
  const [typed, setTyped] = useState(shown)
  const sent = useRef(shown)
  useEffect(() => {
    if (shown === sent.current) return
    sent.current = shown
    setTyped(shown)
  }, [shown])
  const send = useDebouncedCallback((text: string) => {
    sent.current = text.trim()
    state.set({ search: sent.current })
  }, SEARCH_DELAY_MS)
  return {
    value: typed,
    onChange: (event: { currentTarget: HTMLInputElement }) => {
      setTyped(event.currentTarget.value)
      send(event.currentTarget.value)
    },
  }
}
