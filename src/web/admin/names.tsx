import type { ListWords } from '../locales/list-words.ts'
import { Tag } from '../parts/tag.tsx'

type Names = { displayName: string | null; username: string | null; email?: string | undefined }

/** The name of an account. */
export function nameOf({ displayName, username, email }: Names): string {
  return displayName ?? username ?? email ?? ''
}

/** The name of an account, and below it what else it is known by. */
export function NamesOf({ user }: { user: Names & { id: string } }) {
  const name = nameOf(user)
  const others = [user.username && `@${user.username}`, user.email].filter(other => other && other !== name)
  return (
    <>
      <strong>{name || user.id}</strong>
      {others.length > 0 && <small>{others.join(' · ')}</small>}
    </>
  )
}

type StateWords = Pick<ListWords, 'active' | 'disabled' | 'invited' | 'unverified'>
type State = { disabledAt: string | null; invitedAt?: string | null; emailVerified: boolean }

/** Whether an account can be used. */
export function StateIn({ user, words }: { user: State; words: StateWords }) {
  if (user.disabledAt) return <Tag color="bad">{words.disabled}</Tag>
  if (user.invitedAt) return <Tag color="none">{words.invited}</Tag>
  return user.emailVerified ? (
    <Tag color="good">{words.active}</Tag>
  ) : (
    <Tag color="none">{words.unverified}</Tag>
  )
}
