import { Stack } from '@mantine/core'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import { useTimes } from '../times.ts'
import { UserAccess } from './user-access.tsx'
import type { ManagedPanelProps, UserDetails } from './user-details.ts'
import { UserFactors } from './user-factors.tsx'
import { UserFacts } from './user-facts.tsx'
import { UserFields } from './user-fields.tsx'
import { UserRoles } from './user-roles.tsx'

/** The first tab: the state of an account and everything that can be done about it. */
export function UserOverview({ user, reload, manage }: ManagedPanelProps) {
  const { user: viewer } = useAuth()
  const may = (permission: string) => viewer?.permissions.includes(permission) === true
  const isOwn = viewer?.id === user.id
  return (
    <>
      <AccountState user={user} />
      <div className="two">
        <Stack gap={24}>
          {manage && <UserFields user={user} reload={reload} />}
          {may('roles:write') && <UserRoles user={user} reload={reload} />}
        </Stack>
        <Stack gap={24}>
          {(manage || may('users:delete')) && !isOwn && <UserAccess user={user} reload={reload} />}
          <UserFactors user={user} reload={reload} />
          <UserFacts user={user} reload={reload} manage={manage} />
        </Stack>
      </div>
    </>
  )
}

/** Why the owner can't sign in, if that is so. */
function AccountState({ user }: { user: UserDetails }) {
  const { user: says } = useText()
  const times = useTimes()
  if (user.disabledAt) {
    const reason = user.disabledReason ? says.reasonIs(user.disabledReason) : says.noReason
    return (
      <Notice kind="warning">
        <span style={{ overflowWrap: 'anywhere' }}>
          {says.disabledSince(times.moment(user.disabledAt))} {reason}
        </span>
      </Notice>
    )
  }
  return <Notice kind="mail">{user.invitedAt && says.invitedSince(times.moment(user.invitedAt))}</Notice>
}
