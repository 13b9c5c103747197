import type { ComponentProps } from 'react'

type TickBoxProps = Omit<ComponentProps<'input'>, 'type' | 'className' | 'ref'> & {
  /** Whether only some of what it stands for is selected. */
  indeterminate?: boolean
}

/** A checkbox of a row. A plain element: a slow phone takes a millisecond for each of the library's. */
export function TickBox({ indeterminate = false, ...props }: TickBoxProps) {
  return (
    <input
      {...props}
      type="checkbox"
      className="tick-box"
      ref={box => {
        if (box) box.indeterminate = indeterminate
      }}
    />
  )
}
