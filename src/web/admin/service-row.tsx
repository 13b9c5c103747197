import { Button, Group, Text } from '@mantine/core'
import { useText } from '../language.tsx'
import { Tag } from '../parts/tag.tsx'
import { useTimes } from '../times.ts'
import type { ServiceAccount, ServiceAsking } from './services.tsx'

type ServiceRowProps = { service: ServiceAccount; ask: (asking: ServiceAsking) => void }

/** A service account in the list, with its client ID. */
export function ServiceRow({ service, ask }: ServiceRowProps) {
  const { services: says } = useText()
  const times = useTimes()
  const { id, name, roles, audiences, hasSecret, keyIds, previousSecretUntil: until, lastUsedAt } = service
  return (
    <li className="role">
      <div className="grow">
        <Group gap={8}>
          <Text fw={550} fz={15} component="h2" style={{ overflowWrap: 'anywhere' }}>
            {name}
          </Text>
          {keyIds.length > 0 && <Tag>{says.withKey}</Tag>}
          {keyIds.length === 0 && !hasSecret && <Tag>{says.withoutProof}</Tag>}
        </Group>
        <Text fz={13} c="dimmed" className="mono" style={{ overflowWrap: 'anywhere' }}>
          {id}
        </Text>
        <Text fz={13} c="dimmed" lh={1.5} style={{ overflowWrap: 'anywhere' }}>
          {[lastUsedAt ? says.used(times.moment(lastUsedAt)) : says.unused, audiences.join(', ')].join(' · ')}
        </Text>
        {until && <Text fz={13}>{says.previousUntil(times.whole(until))}</Text>}
        <Group gap={6} mt={8}>
          {roles.length === 0 && <Tag>{says.noRoles}</Tag>}
          {roles.map(role => (
            <Tag key={role}>{role}</Tag>
          ))}
        </Group>
      </div>
      <Group gap={8}>
        <Button
          size="xs"
          variant="default"
          aria-label={says.changeOf(name)}
          onClick={() => ask({ what: 'change', service })}
        >
          {says.change}
        </Button>
        {keyIds.length === 0 && (
          <Button
            size="xs"
            variant="default"
            aria-label={says.rotateOf(name)}
            onClick={() => ask({ what: 'rotate', service })}
          >
            {says.rotate}
          </Button>
        )}
        <Button
          size="xs"
          variant="light"
          color="red"
          aria-label={says.deleteOf(name)}
          onClick={() => ask({ what: 'delete', service })}
        >
          {says.delete}
        </Button>
      </Group>
    </li>
  )
}
