import { Link } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'
import { Tag } from '../parts/tag.tsx'

type Names = { displayName: string | null; username: string | null; email?: string | undefined }

/** The name of an account. */
export function nameOf({ displayName, username, email }: Names): string {
  return displayName ?? username ?? email ?? ''
}

/** The name of an account, linked to its page if the viewer has access. */
export function Person({ user }: { user: Names & { id: string } }) {
  const viewer = useAuth().user
  const name = nameOf(user)
  const others = [user.username && `@${user.username}`, user.email].filter(other => other && other !== name)
  const names = (
    <>
      <strong>{name || user.id}</strong>
      {others.length > 0 && <small>{others.join(' · ')}</small>}
    </>
  )
  if (!viewer?.permissions.includes('users:read')) return <span className="who">{names}</span>
  return (
    <Link href={`/users/${user.id}`} className="who">
      {names}
    </Link>
  )
}

type State = { disabledAt: string | null; invitedAt?: string | null; emailVerified: boolean }

export function StateTag({ user }: { user: State }) {
  const { users, user: says } = useText()
  if (user.disabledAt) return <Tag color="bad">{users.disabled}</Tag>
  if (user.invitedAt) return <Tag color="none">{says.invited}</Tag>
  return user.emailVerified ? (
    <Tag color="good">{users.active}</Tag>
  ) : (
    <Tag color="none">{users.unverified}</Tag>
  )
}
