import { Box, Checkbox, Group } from '@mantine/core'
import { useText } from '../language.tsx'
import { Moment } from '../parts/moment.tsx'
import { Tag } from '../parts/tag.tsx'
import type { ListState } from './list-state.ts'
import { ListTable } from './list-table.tsx'
import { DEFAULT_ORDER, type Row } from './people-query.ts'
import { nameOf, Person, StateTag } from './person.tsx'
import { SortHeading } from './sort-heading.tsx'
import type { Selection } from './use-selection.ts'

export type PeopleTableProps = {
  people: Row[]
  state: ListState
  /** Absent if the viewer can change nothing. */
  selection: Selection<Row> | undefined
}

/** The people on a page of the list, with headings that sort the list. */
export function PeopleTable({ people, state, selection }: PeopleTableProps) {
  const { users: says, common, lists } = useText()
  const heading = { state, byDefault: DEFAULT_ORDER }
  const selected = people.filter(({ id }) => selection?.has(id)).length
  return (
    <ListTable className="hovered">
      <thead>
        <tr>
          {selection && (
            <th scope="col" className="tick">
              <Checkbox
                size="xs"
                aria-label={lists.selectPage}
                checked={selected === people.length}
                indeterminate={selected > 0 && selected < people.length}
                onChange={event => selection.set(people, event.currentTarget.checked)}
              />
            </th>
          )}
          <SortHeading
            {...heading}
            orders={[
              ['byName', 'ascending'],
              ['byNameDown', 'descending'],
            ]}
          >
            {says.person}
          </SortHeading>
          <th scope="col" className="mantine-visible-from-xs">
            {says.state}
          </th>
          <th scope="col" className="mantine-visible-from-sm">
            {says.roles}
          </th>
          <SortHeading
            {...heading}
            className="mantine-visible-from-sm"
            orders={[
              ['lastSeen', 'descending'],
              ['longUnseen', 'ascending'],
            ]}
          >
            {says.lastLogin}
          </SortHeading>
          <SortHeading
            {...heading}
            className="mantine-visible-from-md"
            orders={[
              ['newest', 'descending'],
              ['oldest', 'ascending'],
            ]}
          >
            {says.created}
          </SortHeading>
        </tr>
      </thead>
      <tbody>
        {people.map(user => (
          <tr key={user.id} data-selected={selection?.has(user.id) || undefined}>
            {selection && (
              <td className="tick">
                <Checkbox
                  size="xs"
                  aria-label={lists.select(nameOf(user))}
                  checked={selection.has(user.id)}
                  onChange={event => selection.set([user], event.currentTarget.checked)}
                />
              </td>
            )}
            <td>
              <Person user={user} />
              <Box hiddenFrom="xs" mt={6}>
                <StateTag user={user} />
              </Box>
            </td>
            <td className="mantine-visible-from-xs">
              <StateTag user={user} />
            </td>
            <td className="mantine-visible-from-sm">
              <Group gap={6}>
                {user.roles.map(role => (
                  <Tag key={role}>{role}</Tag>
                ))}
              </Group>
            </td>
            <td className="mantine-visible-from-sm" style={{ whiteSpace: 'nowrap' }}>
              {user.lastLoginAt ? <Moment at={user.lastLoginAt} /> : common.never}
            </td>
            <td className="mantine-visible-from-md" style={{ whiteSpace: 'nowrap' }}>
              <Moment at={user.createdAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </ListTable>
  )
}
