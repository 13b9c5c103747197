import type { ReactNode } from 'react'

/** A word about a thing; the dot's colour only repeats what the word says. */
export function Tag({ color, children }: { color?: 'good' | 'bad' | 'none'; children: ReactNode }) {
  return (
    <span className="tag" data-color={color}>
      {children}
    </span>
  )
}
