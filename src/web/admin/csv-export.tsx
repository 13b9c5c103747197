import { Button, Group, Text } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { toCsv } from '../csv.ts'
import { download } from '../download.ts'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import { problemText } from '../problems.ts'
import { useTimes } from '../times.ts'

/** More rows would fill the memory of a browser, and spreadsheets open hardly more. */
export const EXPORT_MAX = 100_000

export type CsvExportProps<Node> = {
  /** The name of the file, without its ending. */
  name: string
  /** The pages of what is exported. */
  pages: () => AsyncGenerator<Node[]>
  head: string[]
  row: (node: Node) => string[]
}

type State = { running: boolean; count: number; ended?: 'saved' | 'cut'; error?: unknown }

/** A button that saves a filtered list as CSV, with the number of rows so far and a way to stop. */
export function CsvExport<Node>({ name, pages, head, row }: CsvExportProps<Node>) {
  const text = useText()
  const times = useTimes()
  const says = text.csv
  const [state, setState] = useState<State>({ running: false, count: 0 })
  const turn = useRef(0)
  useEffect(
    () => () => {
      turn.current++
    },
    [],
  )

  async function run() {
    const mine = ++turn.current
    const rows = [head]
    const report = (next: Omit<State, 'count'>) => setState({ ...next, count: rows.length - 1 })
    report({ running: true })
    try {
      for await (const nodes of pages()) {
        if (mine !== turn.current) return
        rows.push(...nodes.map(row))
        if (rows.length > EXPORT_MAX) break
        report({ running: true })
      }
      download(toCsv(rows.slice(0, EXPORT_MAX + 1)), 'text/csv;charset=utf-8', `${name}.csv`)
      report({ running: false, ended: rows.length > EXPORT_MAX + 1 ? 'cut' : 'saved' })
    } catch (error) {
      if (mine === turn.current) report({ running: false, error })
    }
  }

  function stop() {
    turn.current++
    setState({ running: false, count: 0 })
  }

  const message = {
    saved: says.saved(state.count),
    cut: says.cut(EXPORT_MAX),
  }
  return (
    <Group gap={10} className="csv-export">
      <Text fz={13} c="dimmed" role="status">
        {state.running && says.running(state.count)}
        {state.ended && message[state.ended]}
      </Text>
      {state.running ? (
        <Button variant="default" onClick={stop}>
          {says.stop}
        </Button>
      ) : (
        <Button variant="default" onClick={() => void run()}>
          {says.export}
        </Button>
      )}
      <Notice kind="problem">
        {state.error !== undefined && problemText(text, times.span, state.error)}
      </Notice>
    </Group>
  )
}
