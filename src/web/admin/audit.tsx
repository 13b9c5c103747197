import { Button, Group, NativeSelect, TextInput } from '@mantine/core'
import { useAuth } from '../../client/react.ts'
import { type AuditFilter, AuditPageDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Frame } from '../parts/frame.tsx'
import { Notice } from '../parts/notice.tsx'
import { useQuery } from '../use-query.ts'
import { AuditTable } from './audit-table.tsx'
import { ListPanel } from './list-panel.tsx'
import { type ListState, useListState } from './list-state.ts'
import { PageHead } from './page-head.tsx'
import { nameOf } from './person.tsx'

export function Audit() {
  const { audit: says, actions } = useText()
  const { client, user } = useAuth()
  const state = useListState()
  const query = useQuery(state.key, async () => {
    const { auditLog } = await client.request(AuditPageDocument, {
      ...state.page,
      filter: filterOf(state),
      emails: user?.permissions.includes('users:read') === true,
    })
    return auditLog
  })
  const subjectId = state.get('subject')
  const subject = query.data?.nodes.find(event => event.subject?.id === subjectId)?.subject
  return (
    <Frame>
      <PageHead title={says.title} lead={says.lead} />
      <search className="filters" data-few>
        <NativeSelect
          label={says.action}
          value={state.get('action')}
          onChange={event => state.set({ action: event.currentTarget.value })}
          data={[
            { value: '', label: says.anyAction },
            ...Object.entries(actions).map(([value, label]) => ({ value, label })),
          ]}
        />
        <TextInput
          type="date"
          label={says.from}
          value={state.get('from')}
          onChange={event => state.set({ from: event.currentTarget.value })}
        />
        <TextInput
          type="date"
          label={says.to}
          value={state.get('to')}
          onChange={event => state.set({ to: event.currentTarget.value })}
        />
      </search>
      {subjectId && (
        <div style={{ marginTop: 16 }}>
          <Notice kind="mail">
            <Group justify="space-between">
              {says.only(subject ? nameOf(subject) : subjectId)}
              <Button size="xs" variant="default" onClick={() => state.set({ subject: '' })}>
                {says.showAll}
              </Button>
            </Group>
          </Notice>
        </div>
      )}
      <ListPanel query={query} state={state} empty={{ title: says.empty, lead: says.emptyLead }}>
        {events => <AuditTable events={events} />}
      </ListPanel>
    </Frame>
  )
}

function filterOf(state: ListState): AuditFilter {
  const [action, subjectId] = [state.get('action'), state.get('subject')]
  const [after, before] = [midnight(state.get('from'), 0), midnight(state.get('to'), 1)]
  return {
    ...(action && { action }),
    ...(subjectId && { subjectId }),
    ...(after && { after }),
    ...(before && { before }),
  }
}

/** The start of a day in the visitor's zone, or of a later one; undefined if `day` is empty. */
function midnight(day: string, daysLater: number): string | undefined {
  const at = new Date(`${day}T00:00:00`)
  if (Number.isNaN(at.getTime())) return undefined
  at.setDate(at.getDate() + daysLater)
  return at.toISOString()
}
