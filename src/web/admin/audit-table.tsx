import { Table, Text } from '@mantine/core'
import { useText } from '../language.tsx'
import { Moment } from '../parts/moment.tsx'
import { ListTable } from './list-table.tsx'
import { nameOf, Person } from './person.tsx'

type Party = {
  id: string
  username: string | null
  displayName: string | null
  /** Absent if the viewer lacks users:read. */
  email?: string
}

export type AuditEvent = {
  id: string
  at: string
  action: string
  actor: Party | null
  subject: Party | null
  ipAddress: string | null
  userAgent: string | null
  detail: string | null
}

/** Audit events, one row each. `subject` is false if all events have the same one. */
export function AuditTable({ events, subject = true }: { events: AuditEvent[]; subject?: boolean }) {
  const { audit, actions } = useText()
  const quiet = (words: string) => (
    <Text fz={13} c="dimmed">
      {words}
    </Text>
  )
  const party = (someone: Party | null) => (someone ? <Person user={someone} /> : quiet(audit.system))
  return (
    <ListTable style={{ verticalAlign: 'top' }}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{audit.at}</Table.Th>
          <Table.Th scope="col">{audit.action}</Table.Th>
          <Table.Th scope="col" visibleFrom="sm">
            {audit.actor}
          </Table.Th>
          {subject && (
            <Table.Th scope="col" visibleFrom="md">
              {audit.subject}
            </Table.Th>
          )}
          <Table.Th scope="col" visibleFrom="md">
            {audit.where}
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {events.map(event => (
          <Table.Tr key={event.id}>
            <Table.Td style={{ whiteSpace: 'nowrap' }}>
              <Moment at={event.at} />
            </Table.Td>
            <Table.Td>
              <Text fz={14} fw={550}>
                {(actions as Partial<Record<string, string>>)[event.action] ?? event.action}
              </Text>
              <Text fz={13} hiddenFrom="sm" style={{ overflowWrap: 'anywhere' }}>
                {event.actor ? nameOf(event.actor) : audit.system}
              </Text>
              <Text fz={12} c="dimmed" className="mono">
                {event.action}
                {detailOf(event)}
              </Text>
            </Table.Td>
            <Table.Td visibleFrom="sm">{party(event.actor)}</Table.Td>
            {subject && (
              <Table.Td visibleFrom="md">
                {event.subject && event.subject.id === event.actor?.id
                  ? quiet(audit.same)
                  : party(event.subject)}
              </Table.Td>
            )}
            <Table.Td visibleFrom="md">
              <Text fz={13} title={event.userAgent ?? undefined}>
                {event.ipAddress}
              </Text>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </ListTable>
  )
}

/** The details of an event, one line each. The API returns them as JSON text. */
function detailOf({ detail }: AuditEvent): string {
  const details = Object.entries(JSON.parse(detail ?? '{}') as Record<string, unknown>)
  return details
    .map(([name, value]) => `\n${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('')
}
