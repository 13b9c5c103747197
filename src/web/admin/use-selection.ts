import { useState } from 'react'

export type Selection<Item> = {
  items: Item[]
  has: (id: string) => boolean
  /** Selects or unselects all of these. */
  set: (items: Item[], selected: boolean) => void
  replace: (items: Item[]) => void
}

/** Rows that are selected on any page of a list. Forgets them when `key`, which stands for the filters, changes. */
export function useSelection<Item extends { id: string }>(key: string): Selection<Item> {
  const [state, setState] = useState<{ key: string; byId: ReadonlyMap<string, Item> }>({
    key,
    byId: new Map(),
  })
  const byId: ReadonlyMap<string, Item> = state.key === key ? state.byId : new Map()
  return {
    items: [...byId.values()],
    has: id => byId.has(id),
    set: (items, selected) =>
      setState(current => {
        const next = new Map(current.key === key ? current.byId : [])
        for (const item of items) {
          if (selected) next.set(item.id, item)
          else next.delete(item.id)
        }
        return { key, byId: next }
      }),
    replace: items => setState({ key, byId: new Map(items.map(item => [item.id, item])) }),
  }
}
