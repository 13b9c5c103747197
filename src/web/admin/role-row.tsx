import { Anchor, Button, Group, Text } from '@mantine/core'
import { Link } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'
import { Tag } from '../parts/tag.tsx'
import { useTimes } from '../times.ts'
import { descriptionOf, type Role } from './role-choice.tsx'

/** A change of a role that opens a dialog. */
export type RoleAsking = { what: 'change' | 'delete' | 'factor'; role: Role }

export type RoleRowProps = {
  role: Role
  /** Undefined if the viewer cannot change roles. */
  ask: ((asking: RoleAsking) => void) | undefined
}

/** A role in the list, with what the viewer may do with it. Built-in roles only change when they require a factor. */
export function RoleRow({ role, ask }: RoleRowProps) {
  const text = useText()
  const { user } = useAuth()
  const { roles: says } = text
  return (
    <li className="role">
      <div className="grow">
        <Group gap={8}>
          <Text fw={550} fz={15} component="h2" style={{ overflowWrap: 'anywhere' }}>
            {role.name}
          </Text>
          {role.builtIn && <Tag>{says.fixed}</Tag>}
          <FactorTag role={role} />
        </Group>
        <Text fz={14} c="dimmed" lh={1.5}>
          {descriptionOf(text, role)}
        </Text>
        <Group gap={6} mt={8}>
          {role.permissions.map(permission => (
            <Tag key={permission}>{permission}</Tag>
          ))}
        </Group>
        {user?.permissions.includes('users:read') && (
          <Group gap="2px 16px">
            <Anchor component={Link} href={`/users?role=${role.name}`} fz={13} underline="always">
              {says.holders(role.name)}
            </Anchor>
            {role.secondFactorRequiredFrom && (
              <Anchor component={Link} href={`/users?role=${role.name}&factor=no`} fz={13} underline="always">
                {says.factor.without(role.name)}
              </Anchor>
            )}
          </Group>
        )}
      </div>
      {ask && (
        <Group gap={8}>
          <Button
            size="xs"
            variant="default"
            aria-label={says.factor.of(role.name)}
            onClick={() => ask({ what: 'factor', role })}
          >
            {says.factor.title}
          </Button>
          {!role.builtIn && (
            <>
              <Button
                size="xs"
                variant="default"
                aria-label={says.changeOf(role.name)}
                onClick={() => ask({ what: 'change', role })}
              >
                {says.change}
              </Button>
              <Button
                size="xs"
                variant="light"
                color="red"
                aria-label={says.deleteOf(role.name)}
                onClick={() => ask({ what: 'delete', role })}
              >
                {says.delete}
              </Button>
            </>
          )}
        </Group>
      )}
    </li>
  )
}

/** Since when, or from when, the role requires a second factor. */
function FactorTag({ role: { secondFactorRequiredFrom: from } }: { role: Role }) {
  const { roles: says } = useText()
  const times = useTimes()
  if (!from) return null
  const began = new Date(from) <= new Date()
  return (
    <Tag color={began ? 'good' : 'none'}>
      <time dateTime={from} title={times.whole(from)}>
        {began ? says.factor.requiredSince(times.day(from)) : says.factor.requiredFrom(times.day(from))}
      </time>
    </Tag>
  )
}
