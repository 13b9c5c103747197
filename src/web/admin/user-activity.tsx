import { Anchor } from '@mantine/core'
import { Link } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { AuditPageDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Answer, Empty, Panel } from '../parts/panel.tsx'
import { useQuery } from '../use-query.ts'
import { AuditTable } from './audit-table.tsx'

const EVENTS_SHOWN = 25

type UserActivityProps = {
  id: string
  /** Counts the changes on this page: each one adds an event. */
  changes: number
}

/** The newest audit events of an account. */
export function UserActivity({ id, changes }: UserActivityProps) {
  const { user: says, audit } = useText()
  const { client } = useAuth()
  const query = useQuery(`${id} ${changes}`, async () => {
    const { auditLog } = await client.request(AuditPageDocument, {
      first: EVENTS_SHOWN,
      filter: { subjectId: id },
      // This page requires users:read, which includes email addresses.
      emails: true,
    })
    return auditLog.nodes
  })
  return (
    <Panel
      title={says.auditTitle}
      aside={
        <Anchor component={Link} href={`/audit?subject=${id}`} fz={14} underline="always">
          {says.auditAll}
        </Anchor>
      }
      list={
        <Answer query={query}>
          {events =>
            events.length === 0 ? (
              <Empty title={audit.empty} lead="" />
            ) : (
              <AuditTable events={events} subject={false} />
            )
          }
        </Answer>
      }
    />
  )
}
