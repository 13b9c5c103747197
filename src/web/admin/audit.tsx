import type { AuthClient } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { csvTime } from '../csv.ts'
import { AuditPageDocument, type AuditPageQueryVariables } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Frame } from '../parts/frame.tsx'
import { useTimes } from '../times.ts'
import { useQuery } from '../use-query.ts'
import { allPages } from './all-pages.ts'
import { changesOf, changeText, roleOf } from './audit-changes.ts'
import { AuditFilters, auditFilterOf } from './audit-filters.tsx'
import { type AuditEvent, AuditTable, actionName } from './audit-table.tsx'
import { CsvExport } from './csv-export.tsx'
import { ListPanel } from './list-panel.tsx'
import { type ListState, useListState } from './list-state.ts'
import { nameOf } from './names.tsx'
import { PageHead } from './page-head.tsx'

/** The audit log. */
export function Audit() {
  const { audit: says } = useText()
  const { client, user } = useAuth()
  const state = useListState()
  const emails = user?.permissions.includes('users:read') === true
  const query = useQuery(state.key, () =>
    events(client, { ...state.page, filter: auditFilterOf(state), emails, count: true }),
  )
  return (
    <Frame>
      <PageHead title={says.title} lead={says.lead}>
        <AuditExport state={state} emails={emails} />
      </PageHead>
      <AuditFilters state={state} />
      <ListPanel query={query} state={state} empty={{ title: says.empty, lead: says.emptyLead }}>
        {nodes => <AuditTable events={nodes} onAddress={address => state.set({ address })} />}
      </ListPanel>
    </Frame>
  )
}

async function events(client: AuthClient, variables: AuditPageQueryVariables) {
  return (await client.request(AuditPageDocument, variables)).auditLog
}

function AuditExport({ state, emails }: { state: ListState; emails: boolean }) {
  const text = useText()
  const { client } = useAuth()
  const times = useTimes()
  const { audit: says, csv, user: ofUser } = text
  const filter = auditFilterOf(state)
  const who = (party: AuditEvent['actor']) =>
    party ? [nameOf(party), party.email ?? '', party.id] : ['', '', '']
  return (
    <CsvExport
      name={csv.auditFile}
      pages={() =>
        allPages(page =>
          events(client, { ...page, filter, emails, count: false, ...(!page.after && { export: true }) }),
        )
      }
      head={[
        csv.utc(says.at),
        says.action,
        csv.code,
        ...[says.actor, says.subject].flatMap(party => [party, csv.emailOf(party), csv.idOf(party)]),
        says.role,
        says.where,
        csv.userAgent,
        csv.changes,
        ofUser.id,
      ]}
      row={event => [
        csvTime(event.at),
        actionName(text, event.action),
        event.action,
        ...who(event.actor),
        ...who(event.subject),
        roleOf(event) ?? '',
        event.ipAddress ?? '',
        event.userAgent ?? '',
        changesOf(text, times.moment, event).map(changeText).join('; '),
        event.id,
      ]}
    />
  )
}
