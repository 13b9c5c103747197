import { useText } from '../language.tsx'
import { EmailChangeUndo } from '../parts/email-change-undo.tsx'
import { Panel } from '../parts/panel.tsx'
import { useTimes } from '../times.ts'
import type { UserPanelProps } from './user-details.ts'

export function UserOverview({ user, reload, manage }: UserPanelProps & { manage: boolean }) {
  const { user: says, users, common } = useText()
  const times = useTimes()
  const rows = {
    [common.email]: user.email,
    [common.username]: user.username ?? common.none,
    [says.language]: user.locale,
    [users.roles]: user.roles.join(', ') || common.none,
    [users.created]: times.whole(user.createdAt),
    [users.lastLogin]: user.lastLoginAt ? times.whole(user.lastLoginAt) : common.never,
    [says.passwordChanged]: user.passwordChangedAt ? times.whole(user.passwordChangedAt) : common.never,
    [says.id]: user.id,
  }
  return (
    <Panel title={says.facts}>
      <dl className="facts">
        {Object.entries(rows).map(([name, value]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <EmailChangeUndo user={user} onEnded={reload} manage={manage} />
    </Panel>
  )
}
