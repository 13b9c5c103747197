import { Table, type TableProps } from '@mantine/core'

/** A table that fills a panel from edge to edge. */
export function ListTable(props: TableProps) {
  return <Table verticalSpacing="sm" horizontalSpacing="lg" borderColor="var(--line)" {...props} />
}
