import { Link } from 'wouter'
import { useLanguage, useText } from '../language.tsx'
import { listWordsIn } from '../locales/list-words.ts'
import { TickBox } from '../parts/tick-box.tsx'
import { useTimes } from '../times.ts'
import { NEEDED_TO_SELECT } from './bulk-bar.tsx'
import type { ListState } from './list-state.ts'
import { ListTable } from './list-table.tsx'
import { DEFAULT_ORDER, type Row } from './people-query.ts'
import { PersonRow } from './person-row.tsx'
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
  const { users: says, lists } = useText()
  const words = listWordsIn(useLanguage().tag)
  const times = useTimes()
  const heading = { state, byDefault: DEFAULT_ORDER }
  const selected = people.filter(({ id }) => selection?.has(id)).length
  return (
    <ListTable className="hovered">
      <thead>
        <tr>
          {selection && (
            <th scope="col" className="tick" data-needs={NEEDED_TO_SELECT}>
              <TickBox
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
          <PersonRow
            key={user.id}
            user={user}
            words={words}
            times={times}
            Anchor={Link}
            hasTick={selection !== undefined}
            ticked={selection?.has(user.id) ?? false}
            onTick={ticked => selection?.set([user], ticked)}
          />
        ))}
      </tbody>
    </ListTable>
  )
}
