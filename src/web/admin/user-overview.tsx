import { useText } from '../language.tsx'
import { EmailChangeUndo } from '../parts/email-change-undo.tsx'
import { Moment } from '../parts/moment.tsx'
import { Panel } from '../parts/panel.tsx'
import type { UserPanelProps } from './user-details.ts'

export function UserOverview({ user, reload, manage }: UserPanelProps & { manage: boolean }) {
  const { user: says, users, common } = useText()
  const rows = {
    [common.email]: user.email,
    [common.username]: user.username ?? common.none,
    [says.language]: user.locale,
    [users.roles]: user.roles.join(', ') || common.none,
    [users.created]: <Moment at={user.createdAt} />,
    [users.lastLogin]: user.lastLoginAt ? <Moment at={user.lastLoginAt} /> : common.never,
    [says.passwordChanged]: user.passwordChangedAt ? <Moment at={user.passwordChangedAt} /> : common.never,
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
