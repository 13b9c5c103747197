import '@mantine/core/styles/Combobox.css'
import { Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useRef, useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { PeopleFoundDocument, PersonNameDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { nameOf } from './names.tsx'

const SEARCH_DELAY_MS = 250
const FOUND_MAX = 8
const ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

export type PersonFilterProps = {
  label: string
  /** The ID of the account; empty for everyone. */
  value: string
  onChange: (id: string) => void
}

/** Chooses an account by name or address, or by its ID for viewers who may not read accounts. */
export function PersonFilter(props: PersonFilterProps) {
  const { user } = useAuth()
  return user?.permissions.includes('users:read') ? <PersonSearch {...props} /> : <PersonId {...props} />
}

type Option = { value: string; label: string }

function PersonSearch({ label, value, onChange }: PersonFilterProps) {
  const { audit } = useText()
  const { client } = useAuth()
  const [found, setFound] = useState<Option[]>([])
  const [chosen, setChosen] = useState<Option>()
  const newest = useRef(0)

  // The address has only the ID.
  useEffect(() => {
    if (!value || chosen?.value === value) return
    let current = true
    client
      .request(PersonNameDocument, { id: value })
      .then(({ user }) => user && current && setChosen(optionOf(user)))
      // The ID itself is shown for an account that no longer exists.
      .catch(() => current && setChosen({ value, label: value }))
    return () => {
      current = false
    }
  }, [client, value, chosen?.value])

  const search = useDebouncedCallback(async (typed: string) => {
    const turn = ++newest.current
    const term = typed.trim()
    const options = await findPeople(term).catch(() => [])
    if (turn === newest.current) setFound(options)
  }, SEARCH_DELAY_MS)

  async function findPeople(term: string): Promise<Option[]> {
    if (term === '' || term === chosen?.label) return []
    const filter = { search: term.slice(0, 100) }
    const { users } = await client.request(PeopleFoundDocument, { first: FOUND_MAX, filter })
    return users.nodes.map(optionOf)
  }

  const options = chosen && !found.some(option => option.value === chosen.value) ? [...found, chosen] : found
  return (
    <Select
      label={label}
      placeholder={audit.anyone}
      searchable
      clearable
      value={value || null}
      data={options}
      filter={({ options }) => options}
      onSearchChange={typed => void search(typed)}
      onChange={id => {
        setChosen(options.find(option => option.value === id))
        onChange(id ?? '')
      }}
      nothingFoundMessage={audit.typeName}
      // The library keeps it from keyboards and screen readers, which have no other way to clear the choice.
      clearButtonProps={{ 'aria-label': audit.clearOf(label), 'aria-hidden': false, tabIndex: 0 }}
      comboboxProps={{ withinPortal: false }}
    />
  )
}

function optionOf(user: {
  id: string
  displayName: string | null
  username: string | null
  email: string
}): Option {
  const name = nameOf(user)
  return { value: user.id, label: name === user.email ? name : `${name} (${user.email})` }
}

function PersonId({ label, value, onChange }: PersonFilterProps) {
  const { audit } = useText()
  const [typed, setTyped] = useState(value)
  useEffect(() => setTyped(value), [value])
  const wrong = typed.trim() !== '' && !ID.test(typed.trim())
  return (
    <TextInput
      label={`${label} (ID)`}
      placeholder={audit.anyone}
      value={typed}
      spellCheck={false}
      error={wrong && audit.badId}
      onChange={event => {
        const text = event.currentTarget.value
        setTyped(text)
        if (text.trim() === '' || ID.test(text.trim())) onChange(text.trim())
      }}
    />
  )
}
