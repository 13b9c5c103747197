import { Box, Checkbox, Group, Table } from '@mantine/core'
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
    <ListTable highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          {selection && (
            <Table.Th scope="col" className="tick">
              <Checkbox
                size="xs"
                aria-label={lists.selectPage}
                checked={selected === people.length}
                indeterminate={selected > 0 && selected < people.length}
                onChange={event => selection.set(people, event.currentTarget.checked)}
              />
            </Table.Th>
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
          <Table.Th scope="col" visibleFrom="xs">
            {says.state}
          </Table.Th>
          <Table.Th scope="col" visibleFrom="sm">
            {says.roles}
          </Table.Th>
          <SortHeading
            {...heading}
            visibleFrom="sm"
            orders={[
              ['lastSeen', 'descending'],
              ['longUnseen', 'ascending'],
            ]}
          >
            {says.lastLogin}
          </SortHeading>
          <SortHeading
            {...heading}
            visibleFrom="md"
            orders={[
              ['newest', 'descending'],
              ['oldest', 'ascending'],
            ]}
          >
            {says.created}
          </SortHeading>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {people.map(user => (
          <Table.Tr key={user.id} data-selected={selection?.has(user.id) || undefined}>
            {selection && (
              <Table.Td className="tick">
                <Checkbox
                  size="xs"
                  aria-label={lists.select(nameOf(user))}
                  checked={selection.has(user.id)}
                  onChange={event => selection.set([user], event.currentTarget.checked)}
                />
              </Table.Td>
            )}
            <Table.Td>
              <Person user={user} />
              <Box hiddenFrom="xs" mt={6}>
                <StateTag user={user} />
              </Box>
            </Table.Td>
            <Table.Td visibleFrom="xs">
              <StateTag user={user} />
            </Table.Td>
            <Table.Td visibleFrom="sm">
              <Group gap={6}>
                {user.roles.map(role => (
                  <Tag key={role}>{role}</Tag>
                ))}
              </Group>
            </Table.Td>
            <Table.Td visibleFrom="sm" style={{ whiteSpace: 'nowrap' }}>
              {user.lastLoginAt ? <Moment at={user.lastLoginAt} /> : common.never}
            </Table.Td>
            <Table.Td visibleFrom="md" style={{ whiteSpace: 'nowrap' }}>
              <Moment at={user.createdAt} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </ListTable>
  )
}
