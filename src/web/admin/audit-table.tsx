import { Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useText } from '../language.tsx'
import type { Messages } from '../locales/en.ts'
import { Moment } from '../parts/moment.tsx'
import { Tag } from '../parts/tag.tsx'
import { useTimes } from '../times.ts'
import { changesOf, changeText, roleOf } from './audit-changes.ts'
import { ListTable } from './list-table.tsx'
import { Person } from './person.tsx'

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
  /** The names of service accounts. Absent in lists about one account. */
  actorServiceAccount?: string | null
  subjectServiceAccount?: string | null
  ipAddress: string | null
  userAgent: string | null
  detail: string | null
}

export type AuditTableProps = {
  events: AuditEvent[]
  /** False if all events have the same subject. */
  subject?: boolean
  /** Called with an IP address whose events the viewer asks for. */
  onAddress?: (address: string) => void
}

export function actionName({ actions }: Messages, action: string): string {
  return (actions as Partial<Record<string, string>>)[action] ?? action
}

/** With its role, an element stays part of a table for screen readers where the table is laid out in blocks. */
const as = (role: 'table' | 'rowgroup' | 'row' | 'columnheader' | 'cell') => ({ role })

/** Audit events, one row each; on a narrow screen, one block each. */
export function AuditTable({ events, subject = true, onAddress }: AuditTableProps) {
  const { audit } = useText()
  const columns = [audit.at, audit.action, audit.actor, ...(subject ? [audit.subject] : []), audit.where]
  return (
    <ListTable className="stacking" {...as('table')} style={{ verticalAlign: 'top' }}>
      <thead {...as('rowgroup')}>
        <tr {...as('row')}>
          {columns.map(column => (
            <th key={column} scope="col" {...as('columnheader')}>
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody {...as('rowgroup')}>
        {events.map(event => (
          <tr key={event.id} {...as('row')}>
            <Cell label={audit.at}>
              <span style={{ whiteSpace: 'nowrap' }}>
                <Moment at={event.at} />
              </span>
            </Cell>
            <Cell label={audit.action}>
              <What event={event} />
            </Cell>
            <Cell label={audit.actor}>
              <Someone party={event.actor} service={event.actorServiceAccount} />
            </Cell>
            {subject && (
              <Cell label={audit.subject}>
                <Target event={event} />
              </Cell>
            )}
            <Cell label={audit.where}>
              <Where event={event} onAddress={onAddress} />
            </Cell>
          </tr>
        ))}
      </tbody>
    </ListTable>
  )
}

function Cell({ label, children }: { label: string; children: ReactNode }) {
  return (
    <td {...as('cell')} data-label={label}>
      <div>{children}</div>
    </td>
  )
}

function What({ event }: { event: AuditEvent }) {
  const text = useText()
  const times = useTimes()
  const changes = changesOf(text, times.moment, event)
  return (
    <>
      <Text fz={14} fw={550}>
        {actionName(text, event.action)}
      </Text>
      <Text fz={12} c="dimmed" className="mono">
        {event.action}
      </Text>
      {changes.length > 0 && (
        <ul className="changes">
          {changes.map(change => (
            <li key={change.label}>{changeText(change)}</li>
          ))}
        </ul>
      )}
    </>
  )
}

function Someone({ party, service }: { party: Party | null; service: string | null | undefined }) {
  const { audit } = useText()
  if (service) return <ServiceName name={service} />
  return party ? <Person user={party} /> : <Quiet>{audit.system}</Quiet>
}

function ServiceName({ name }: { name: string }) {
  const { audit } = useText()
  return (
    <Text fz={14} component="span" style={{ overflowWrap: 'anywhere' }}>
      {name} <Tag>{audit.service}</Tag>
    </Text>
  )
}

function Target({ event }: { event: AuditEvent }) {
  const { audit } = useText()
  const role = roleOf(event)
  if (role !== undefined) {
    return (
      <>
        {audit.role} <Tag>{role}</Tag>
      </>
    )
  }
  if (event.subjectServiceAccount) return <ServiceName name={event.subjectServiceAccount} />
  if (!event.subject) return <Quiet>{audit.noSubject}</Quiet>
  return event.subject.id === event.actor?.id ? <Quiet>{audit.same}</Quiet> : <Person user={event.subject} />
}

function Where({ event, onAddress }: { event: AuditEvent; onAddress: AuditTableProps['onAddress'] }) {
  const { audit } = useText()
  const { ipAddress: address, userAgent } = event
  return (
    <>
      {address !== null && onAddress ? (
        <button
          type="button"
          className="address"
          title={audit.onlyAddress(address)}
          onClick={() => onAddress(address)}
        >
          {address}
        </button>
      ) : (
        <Text fz={13}>{address}</Text>
      )}
      {userAgent && (
        <Text fz={12} c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {userAgent}
        </Text>
      )}
    </>
  )
}

function Quiet({ children }: { children: ReactNode }) {
  return (
    <Text fz={13} c="dimmed">
      {children}
    </Text>
  )
}
