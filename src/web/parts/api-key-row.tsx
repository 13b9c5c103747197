import { Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { ApiKey } from '../../client/index.ts'
import { CodeIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { useTimes } from '../times.ts'
import { Tag } from './tag.tsx'

/** An API key in a list. */
export function ApiKeyRow({ apiKey, action }: { apiKey: ApiKey; action: ReactNode }) {
  const { apiKeys: says } = useText()
  const times = useTimes()
  const { name, prefix, permissions, createdAt, expiresAt, lastUsedAt } = apiKey
  const expired = expiresAt !== null && Date.parse(expiresAt) <= Date.now()
  return (
    <li>
      <span className="row-icon">
        <CodeIcon />
      </span>
      <div className="grow">
        <Text fw={550} fz={15} component="div" style={{ overflowWrap: 'anywhere' }}>
          {name} {expired && <Tag>{says.expired}</Tag>}
        </Text>
        <Text fz={13} c="dimmed" lh={1.5} style={{ overflowWrap: 'anywhere' }}>
          <code>{prefix}…</code> · {permissions.length > 0 ? permissions.join(', ') : says.noPermissions}
        </Text>
        <Text fz={13} c="dimmed" lh={1.5}>
          {[
            says.added(times.day(createdAt)),
            expiresAt === null ? says.endless : says.until(times.day(expiresAt)),
            lastUsedAt === null ? says.unused : says.used(times.moment(lastUsedAt)),
          ].join(' · ')}
        </Text>
      </div>
      <div className="row-actions">{action}</div>
    </li>
  )
}
