import type { Page } from '../pagination.ts'

/** One key of a list's order. Together, the keys identify one item and are covered by an index. */
export type SortKey<Item> = {
  /** A SQL expression. */
  column: string
  type: 'timestamptz' | 'text' | 'uuid'
  of: (item: Item) => string
  /** The SQL expression that turns the value of a cursor into the value of `column`. By default, they are the same. */
  bound?: (value: string) => string
  /** Whether a cursor may contain this value. */
  isValid: (key: string) => boolean
}

/** Whether `values` has one valid value for each key, in order. */
export function isPosition<Item>(keys: SortKey<Item>[], values: string[]): boolean {
  return values.length === keys.length && keys.every((key, at) => key.isValid(values[at] ?? ''))
}

/**
 * A page as SQL. `between` holds the conditions for the page's cursors, whose values are appended to `values`; `by`
 * returns the ORDER BY list for the given columns. Each condition compares whole rows, so that an index finds the first
 * item without reading the ones before it.
 */
export function keyset<Item>(keys: SortKey<Item>[], ascending: boolean, page: Page, values: unknown[]) {
  const columns = keys.map(key => key.column)
  const beyond = (cursor: string[] | undefined, follows: boolean) => {
    if (!cursor) return []
    const position = cursor.slice(-keys.length)
    const bounds = keys.map(({ type, bound = value => value }, at) =>
      bound(`$${values.push(position[at])}::${type}`),
    )
    return [`(${columns}) ${ascending === follows ? '>' : '<'} (${bounds})`]
  }
  const direction = ascending !== page.backward ? 'ASC' : 'DESC'
  return {
    between: [...beyond(page.after, true), ...beyond(page.before, false)],
    by: (names: string[] = columns) => names.map(name => `${name} ${direction}`).join(', '),
  }
}
