import { Badge } from '@mantine/core'
import { Link } from 'wouter'
import { useText } from '../language.tsx'

type Names = { displayName: string | null; username: string | null; email?: string | undefined }

/** What an account is called. */
export function nameOf({ displayName, username, email }: Names): string {
  return displayName ?? username ?? email ?? ''
}

/** An account by its names, leading to its page. */
export function Person({ user }: { user: Names & { id: string } }) {
  const name = nameOf(user)
  const others = [user.username && `@${user.username}`, user.email].filter(other => other && other !== name)
  return (
    <Link href={`/users/${user.id}`} className="who">
      <strong>{name || user.id}</strong>
      {others.length > 0 && <span>{others.join(' · ')}</span>}
    </Link>
  )
}

export function StateBadges({ user }: { user: { disabledAt: string | null; emailVerified: boolean } }) {
  const { users } = useText()
  if (user.disabledAt) {
    return (
      <Badge variant="light" color="red" tt="none">
        {users.disabled}
      </Badge>
    )
  }
  return (
    <Badge variant="light" color={user.emailVerified ? 'teal' : 'gray'} tt="none">
      {user.emailVerified ? users.active : users.unverified}
    </Badge>
  )
}
