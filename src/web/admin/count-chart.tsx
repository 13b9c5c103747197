import { Anchor, Table, Text, Title } from '@mantine/core'
import { useId } from 'react'
import { Link } from 'wouter'
import { useLanguage } from '../language.tsx'
import { useTimes } from '../times.ts'

const WIDTH = 300
const HEIGHT = 80
/** Of the room for a bar. */
const GAP = 0.2

export type CountChartProps = {
  title: string
  /** The start of each interval. */
  startsAt: string[]
  /** One number for each interval. */
  counts: number[]
  /** Whether an interval is an hour rather than a day. */
  hourly: boolean
  periodName: string
  /** Where the events behind the numbers are. */
  href: string
  /** Whether less is better. */
  bad?: boolean
}

/** A number over time as bars, in words for screen readers, and as a table for everyone. */
export function CountChart(props: CountChartProps) {
  const { title, startsAt, counts, hourly, periodName, href, bad } = props
  const { text } = useLanguage()
  const times = useTimes()
  const says = text.overview
  const id = useId()
  const total = counts.reduce((sum, count) => sum + count, 0)
  const most = Math.max(...counts)
  const label = (index: number) => {
    const at = startsAt[index] ?? ''
    return hourly ? times.moment(at) : times.date(at)
  }
  const summary = total === 0 ? says.nothing : says.summary(total, most, label(counts.indexOf(most)))
  return (
    <section className="panel chart" aria-labelledby={id} data-bad={bad || undefined}>
      <div className="chart-head">
        <Title order={2} size={15} id={id}>
          <Anchor component={Link} href={href} c="inherit" inherit>
            {title}
          </Anchor>
        </Title>
        <strong className="chart-number">{says.number(total)}</strong>
      </div>
      <Text fz={13} c="dimmed">
        {periodName}
      </Text>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={summary}>
        <line x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {counts.map((count, index) => {
          const room = WIDTH / counts.length
          // A single event among thousands is still seen.
          const height = count === 0 ? 0 : Math.max(2, (count / most) * (HEIGHT - 4))
          return (
            <rect
              key={startsAt[index]}
              x={(index + GAP / 2) * room}
              y={HEIGHT - height}
              width={room * (1 - GAP)}
              height={height}
            >
              <title>{`${label(index)}: ${says.number(count)}`}</title>
            </rect>
          )
        })}
      </svg>
      <div className="chart-scale" aria-hidden="true">
        <span>{label(0)}</span>
        <span>{total === 0 ? '' : says.most(most)}</span>
        <span>{label(counts.length - 1)}</span>
      </div>
      <details>
        <summary>{says.asTable}</summary>
        <Table verticalSpacing={4} captionSide="top">
          <Table.Caption>{`${title}, ${periodName}`}</Table.Caption>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{hourly ? says.hour : says.date}</Table.Th>
              <Table.Th scope="col" ta="right">
                {says.count}
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {counts.map((count, index) => (
              <Table.Tr key={startsAt[index]}>
                <Table.Th scope="row" fw={400}>
                  {label(index)}
                </Table.Th>
                <Table.Td ta="right">{says.number(count)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </details>
    </section>
  )
}

/** One number of the moment. */
export function Figure({ label, value, href }: { label: string; value: number; href?: string }) {
  const { text } = useLanguage()
  return (
    <div className="panel figure">
      <Text fz={14} c="dimmed">
        {href ? (
          <Anchor component={Link} href={href} c="inherit" inherit underline="always">
            {label}
          </Anchor>
        ) : (
          label
        )}
      </Text>
      <strong className="chart-number">{text.overview.about(value)}</strong>
    </div>
  )
}
