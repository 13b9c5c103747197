import { useText } from '../language.tsx'
import { EmailChangeUndo } from '../parts/email-change-undo.tsx'
import { Moment } from '../parts/moment.tsx'
import { Panel } from '../parts/panel.tsx'
import type { ManagedPanelProps } from './user-details.ts'

/** What is known of an account; with the fields that viewers who may change accounts see in a form. */
export function UserFacts({ user, reload, manage }: ManagedPanelProps) {
  const { user: says, users, common } = useText()
  const fields = {
    [common.email]: user.email,
    [common.username]: user.username ?? common.none,
    [says.language]: user.locale,
    [users.roles]: user.roles.join(', ') || common.none,
  }
  const rows = {
    ...(!manage && fields),
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
