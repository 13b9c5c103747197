import { NativeSelect } from '@mantine/core'
import { useAuth } from '../../client/react.ts'
import { OverviewDocument, type OverviewPeriod } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Frame } from '../parts/frame.tsx'
import { Answer } from '../parts/panel.tsx'
import { ZoneNote } from '../parts/session-rows.tsx'
import { useQuery } from '../use-query.ts'
import { CountChart, Figure } from './count-chart.tsx'
import { useListState } from './list-state.ts'
import { PageHead } from './page-head.tsx'

const PERIODS = { day: 'LAST_24_HOURS', month: 'LAST_30_DAYS' } as const satisfies Record<
  string,
  OverviewPeriod
>
type Period = keyof typeof PERIODS

/** What happened on this server lately, in figures and small charts. */
export function Overview() {
  const { overview: says } = useText()
  const { client, user } = useAuth()
  const state = useListState()
  const period: Period = state.get('period') === 'month' ? 'month' : 'day'
  const people = user?.permissions.includes('users:read') === true
  const query = useQuery(`${period} ${people}`, async () => {
    const { timeZone } = new Intl.DateTimeFormat().resolvedOptions()
    const variables = { period: PERIODS[period], timeZone, people }
    return { period, ...(await client.request(OverviewDocument, variables)).overview }
  })
  return (
    <Frame>
      <PageHead title={says.title} lead={says.lead}>
        <NativeSelect
          label={says.period}
          value={period === 'day' ? '' : period}
          onChange={event => state.set({ period: event.currentTarget.value })}
          data={[
            { value: '', label: says.day },
            { value: 'month', label: says.month },
          ]}
        />
      </PageHead>
      <div aria-busy={query.loading && query.data !== undefined} className="overview">
        <Answer query={query} lines={8}>
          {({ startsAt, ...data }) => {
            const chart = { startsAt, hourly: data.period === 'day', periodName: says[data.period] }
            return (
              <>
                <div className="figures">
                  {data.people !== undefined && (
                    <Figure label={says.people} value={data.people} href="/users" />
                  )}
                  <Figure label={says.emailsQueued} value={data.emailsQueued} />
                </div>
                <div className="charts">
                  <CountChart
                    {...chart}
                    title={says.signIns}
                    counts={data.signIns}
                    href="/audit?action=session.started"
                  />
                  <CountChart
                    {...chart}
                    title={says.failures}
                    counts={data.failures}
                    href="/audit?action=session.denied"
                    bad
                  />
                  {data.newPeople && (
                    <CountChart {...chart} title={says.newPeople} counts={data.newPeople} href="/users" />
                  )}
                  <CountChart
                    {...chart}
                    title={says.limitsHit}
                    counts={data.limitsHit}
                    href="/audit?action=limit.hit"
                    bad
                  />
                  <CountChart
                    {...chart}
                    title={says.emailsFailed}
                    counts={data.emailsFailed}
                    href="/mails"
                    bad
                  />
                </div>
              </>
            )
          }}
        </Answer>
      </div>
      <div style={{ marginTop: 16, textAlign: 'right' }}>
        <ZoneNote />
      </div>
    </Frame>
  )
}
