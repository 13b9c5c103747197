/** What a row must reach: at least or at most so much. */
export type Goal = { atLeast: number } | { atMost: number }

export type Row = { what: string; measured: string; limit: string; ratio: string; goal: string; met: string }

const HEADINGS: Row = {
  what: 'what',
  measured: 'measured',
  limit: 'limit',
  ratio: 'ratio (spread)',
  goal: 'goal',
  met: 'met',
}

/** A row about one number, the median of `values`. */
export function valueRow(what: string, values: number[], show: (value: number) => string, goal: Goal): Row {
  const value = median(values)
  return { what, measured: show(value), limit: '', ratio: '', ...verdict(value, goal, show) }
}

/**
 * A row about a ratio: the median of the rounds' own ratios, for a round's two halves had the same machine.
 */
export function ratioRow(
  what: string,
  measured: number[],
  limitName: string,
  limit: number[],
  show: (value: number) => string,
  goal: Goal,
): Row {
  const ratios = measured.map((value, round) => value / (limit[round] ?? Number.NaN))
  const ratio = median(ratios)
  const spread = `${toText(Math.min(...ratios))}–${toText(Math.max(...ratios))}`
  return {
    what,
    measured: show(median(measured)),
    limit: `${limitName} ${show(median(limit))}`,
    ratio: `${toText(ratio)} (${spread})`,
    ...verdict(ratio, goal, toText),
  }
}

function verdict(value: number, goal: Goal, show: (value: number) => string): Pick<Row, 'goal' | 'met'> {
  const met = 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost
  return {
    goal: 'atLeast' in goal ? `≥ ${show(goal.atLeast)}` : `≤ ${show(goal.atMost)}`,
    met: met ? 'yes' : 'no',
  }
}

/** The rows under their headings, in columns. */
export function toTable(rows: Row[]): string {
  const columns = Object.keys(HEADINGS) as (keyof Row)[]
  const lines = [HEADINGS, ...rows]
  const width = (column: keyof Row) => Math.max(...lines.map(row => row[column].length))
  return lines
    .map(row => columns.map(column => row[column].padEnd(width(column))).join('  '))
    .map(line => line.trimEnd())
    .join('\n')
}

export function median(values: number[]): number {
  return percentile(values, 0.5)
}

export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function micros(value: number): string {
  return `${Math.round(value)} µs`
}

function toText(ratio: number): string {
  return ratio.toFixed(2)
}
