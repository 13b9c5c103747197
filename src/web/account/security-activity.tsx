import { Button, Text } from '@mantine/core'
import { useState } from 'react'
import type { User } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { SecurityActivityDocument, type SecurityActivityQuery } from '../generated/graphql.ts'
import { KeyIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import { useIsActing } from '../parts/owners-only.tsx'
import { Answer, Empty, Panel } from '../parts/panel.tsx'
import { deviceOf, ZoneNote } from '../parts/session-rows.tsx'
import { Tag } from '../parts/tag.tsx'
import { useTimes } from '../times.ts'
import { useQuery } from '../use-query.ts'
import { NotMeDialog, NotMeWithoutPassword } from './not-me-dialog.tsx'

export type SecurityEvent = SecurityActivityQuery['securityActivity']['nodes'][number]
/** Equal events in a row, the newest first. */
type Row = { event: SecurityEvent; others: SecurityEvent[] }

const SHOWN = 10
/** The most that the server sends at a time. */
const SHOWN_MAX = 100

/** What happened to the viewer's account, with a way out for sign-ins that were someone else's. */
export function SecurityActivity({ user, hasPassword }: { user: User; hasPassword: boolean }) {
  const { activity: says, security } = useText()
  const { client } = useAuth()
  const [secured, setSecured] = useState(false)
  const [first, setFirst] = useState(SHOWN)
  const [denied, setDenied] = useState<SecurityEvent>()
  const deny = (event: SecurityEvent) => {
    setSecured(false)
    setDenied(event)
  }
  // A new password is an event.
  const query = useQuery(`${first} ${user.passwordChangedAt}`, async () => {
    const { securityActivity } = await client.request(SecurityActivityDocument, { first })
    return securityActivity
  })
  const close = () => {
    setDenied(undefined)
    void query.reload()
  }
  const secure = () => {
    setSecured(true)
    close()
  }
  return (
    <Panel
      title={says.title}
      lead={says.lead}
      list={
        <Answer query={query}>
          {({ nodes, pageInfo }) => (
            <>
              {nodes.length === 0 ? (
                <Empty title={says.empty} lead="" />
              ) : (
                <ul className="rows">
                  {rowsOf(nodes).map(row => (
                    <EventRow key={row.event.id} row={row} onDenied={deny} />
                  ))}
                </ul>
              )}
              <div className="rows-foot">
                {pageInfo.hasNextPage && first < SHOWN_MAX && (
                  <Button variant="default" loading={query.loading} onClick={() => setFirst(SHOWN_MAX)}>
                    {says.more}
                  </Button>
                )}
                <ZoneNote />
              </div>
            </>
          )}
        </Answer>
      }
    >
      {(secured || denied) && (
        <>
          <Notice kind="success">{secured && (hasPassword ? security.done : says.othersEnded)}</Notice>
          {denied &&
            (hasPassword ? (
              <NotMeDialog event={denied} user={user} onClose={close} onSecured={secure} />
            ) : (
              <NotMeWithoutPassword event={denied} onClose={close} onSecured={secure} />
            ))}
        </>
      )}
    </Panel>
  )
}

function EventRow({
  row: { event, others },
  onDenied,
}: {
  row: Row
  onDenied: (event: SecurityEvent) => void
}) {
  const text = useText()
  const { activity: says, actions, sessions } = text
  const isActing = useIsActing()
  const times = useTimes()
  const name = (actions as Partial<Record<string, string>>)[event.action] ?? event.action
  const first = others.at(-1)
  const facts = [
    event.actor === 'ADMINISTRATOR' ? says.byAdministrator : deviceOf(text, event),
    event.ipAddress,
    others.length > 0 && says.times(others.length + 1),
    first && says.since(times.moment(first.at)),
  ].filter(fact => typeof fact === 'string')
  return (
    <li>
      <span className="row-icon">
        <KeyIcon />
      </span>
      <div className="grow">
        <Text fw={550} fz={15} component="div" style={{ overflowWrap: 'anywhere' }}>
          {name}
          {event.session?.current && (
            <>
              {' '}
              <Tag color="good">{sessions.current}</Tag>
            </>
          )}
        </Text>
        <Text fz={13} c="dimmed" lh={1.5} style={{ overflowWrap: 'anywhere' }}>
          <time dateTime={event.at} title={times.whole(event.at)}>
            {times.moment(event.at)}
          </time>
          {facts.map(fact => ` · ${fact}`).join('')}
        </Text>
      </div>
      {isDeniable(event) && !isActing && (
        <Button
          size="xs"
          variant="default"
          aria-label={says.notMeOf(name, times.moment(event.at))}
          onClick={() => onDenied(event)}
        >
          {says.notMe}
        </Button>
      )}
    </li>
  )
}

/** Someone else may have signed in on another device. */
function isDeniable({ action, session }: SecurityEvent): boolean {
  return (action === 'session.started' || action === 'session.reauthenticated') && !session?.current
}

/** Joins failed sign-ins in a row from one place, so that an attack does not push everything else off the list. */
function rowsOf(events: readonly SecurityEvent[]): Row[] {
  const rows: Row[] = []
  for (const event of events) {
    const last = rows.at(-1)
    const joins =
      event.action === 'session.denied' &&
      last?.event.action === event.action &&
      last.event.ipAddress === event.ipAddress &&
      last.event.deviceName === event.deviceName
    if (joins) last.others.push(event)
    else rows.push({ event, others: [] })
  }
  return rows
}
