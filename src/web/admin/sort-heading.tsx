import { UnstyledButton } from '@mantine/core'
import type { ReactNode } from 'react'
import type { ListState } from './list-state.ts'

export type SortHeadingProps = {
  state: ListState
  /** The order of the list without one in the address. */
  byDefault: string
  /** The orders of this column, by their names in the address; the first is the one that a click selects first. */
  orders: [name: string, direction: 'ascending' | 'descending'][]
  className?: string
  children: ReactNode
}

/** A column heading that sorts the list, and in the opposite direction with another click. */
export function SortHeading({ state, byDefault, orders, className, children }: SortHeadingProps) {
  const current = state.get('order') || byDefault
  const direction = orders.find(([name]) => name === current)?.[1]
  const next = orders.find(([name]) => name !== current)
  return (
    <th scope="col" className={className} aria-sort={direction ?? 'none'}>
      <UnstyledButton
        className="sort"
        onClick={() => next && state.set({ order: next[0] === byDefault ? '' : next[0] })}
      >
        {children}
        <span className="sort-mark" data-direction={direction} aria-hidden="true" />
      </UnstyledButton>
    </th>
  )
}
