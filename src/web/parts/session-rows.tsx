import { Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { DeviceIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import type { Messages } from '../locales/en.ts'
import { useTimes } from '../times.ts'
import { Tag } from './tag.tsx'

export type SessionFacts = {
  id: string
  current: boolean
  createdAt: string
  lastUsedAt: string
  ipAddress: string | null
  deviceName: string | null
  impersonated: boolean
  boundToKey: boolean
}

/** The name of a session's device. */
export function deviceOf(
  { sessions }: Messages,
  { deviceName, impersonated }: { deviceName: string | null; impersonated?: boolean },
): string {
  if (impersonated) return sessions.impersonated
  return deviceName === null ? sessions.unknown : sessions.named(deviceName)
}

/** The sessions of an account, one row each. `action` renders the button of a row. */
export function SessionRows<Session extends SessionFacts>({
  sessions,
  action,
}: {
  sessions: readonly Session[]
  action?: (session: Session) => ReactNode
}) {
  const text = useText()
  const times = useTimes()
  return (
    <ul className="rows">
      {sessions.map(session => (
        <li key={session.id}>
          <span className="row-icon">
            <DeviceIcon />
          </span>
          <div className="grow">
            <Text fw={550} fz={15} component="div" style={{ overflowWrap: 'anywhere' }}>
              {deviceOf(text, session)}
              {session.current && (
                <>
                  {' '}
                  <Tag color="good">{text.sessions.current}</Tag>
                </>
              )}
            </Text>
            <Text fz={13} c="dimmed" lh={1.5}>
              <time dateTime={session.lastUsedAt} title={times.whole(session.lastUsedAt)}>
                {text.sessions.used(times.moment(session.lastUsedAt))}
              </time>
              {' · '}
              <time dateTime={session.createdAt} title={times.whole(session.createdAt)}>
                {text.sessions.since(times.moment(session.createdAt))}
              </time>
              {session.ipAddress && ` · ${session.ipAddress}`}
            </Text>
            {session.boundToKey && (
              <Text fz={13} c="dimmed" lh={1.5}>
                {text.sessions.bound}
              </Text>
            )}
          </div>
          {action?.(session)}
        </li>
      ))}
    </ul>
  )
}

/** Says which time zone the times on a page are in. */
export function ZoneNote() {
  const { common } = useText()
  const { zone } = useTimes()
  return (
    <Text fz={13} c="dimmed" className="zone">
      {common.times(zone)}
    </Text>
  )
}
