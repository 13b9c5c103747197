import type { ElementType } from 'react'
import type { ListWords } from '../locales/list-words.ts'
import { MomentIn } from '../parts/moment-in.tsx'
import { Tag } from '../parts/tag.tsx'
import { TickBox } from '../parts/tick-box.tsx'
import type { Times } from '../times-in.ts'
import { NamesOf, nameOf, StateIn } from './names.tsx'
import type { Row } from './people-query.ts'

export type PersonRowProps = {
  user: Row
  words: ListWords
  times: Pick<Times, 'moment' | 'whole'>
  /** What links to a path of the pages. */
  Anchor: ElementType<{ href: string; className: string }>
  /** Whether the row can be selected. */
  hasTick: boolean
  ticked?: boolean
  onTick?: (ticked: boolean) => void
}

/**
 * A row of the list of people. React renders it, and early/people.tsx makes elements of it before React has arrived: it
 * has no hooks, and consists of plain elements.
 */
export function PersonRow({ user, words, times, Anchor, hasTick, ticked = false, onTick }: PersonRowProps) {
  return (
    <tr data-selected={ticked || undefined}>
      {hasTick && (
        <td className="tick">
          <TickBox
            aria-label={words.select(nameOf(user))}
            checked={ticked}
            onChange={event => onTick?.(event.currentTarget.checked)}
          />
        </td>
      )}
      <td>
        <Anchor href={`/users/${user.id}`} className="who">
          <NamesOf user={user} />
        </Anchor>
        <div className="below-name mantine-hidden-from-xs">
          <StateIn user={user} words={words} />
        </div>
      </td>
      <td className="mantine-visible-from-xs">
        <StateIn user={user} words={words} />
      </td>
      <td className="mantine-visible-from-sm">
        <div className="tags">
          {user.roles.map(role => (
            <Tag key={role}>{role}</Tag>
          ))}
        </div>
      </td>
      <td className="mantine-visible-from-sm when">
        {user.lastLoginAt ? <MomentIn at={user.lastLoginAt} times={times} /> : words.never}
      </td>
      <td className="mantine-visible-from-md when">
        <MomentIn at={user.createdAt} times={times} />
      </td>
    </tr>
  )
}
