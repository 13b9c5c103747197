import type { ReactNode } from 'react'

/** A label. The color of its dot only repeats what the text says. */
export function Tag({ color, children }: { color?: 'good' | 'bad' | 'none'; children: ReactNode }) {
  return (
    <span className="tag" data-color={color}>
      {children}
    </span>
  )
}
