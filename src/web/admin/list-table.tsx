import type { ComponentProps } from 'react'

/**
 * A table that fills a panel from edge to edge. Made of plain elements: the library's table loads its scroll area too,
 * and each cell is a component that a slow phone takes a millisecond for.
 */
export function ListTable({ className = '', ...props }: ComponentProps<'table'>) {
  return <table {...props} className={`list-table ${className}`.trimEnd()} />
}
