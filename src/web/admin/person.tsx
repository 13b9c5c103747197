import type { ComponentProps } from 'react'
import { Link } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'
import { NamesOf, StateIn } from './names.tsx'

/** The name of an account, linked to its page if the viewer has access. */
export function Person({ user }: ComponentProps<typeof NamesOf>) {
  const viewer = useAuth().user
  const names = <NamesOf user={user} />
  if (!viewer?.permissions.includes('users:read')) return <span className="who">{names}</span>
  return (
    <Link href={`/users/${user.id}`} className="who">
      {names}
    </Link>
  )
}

export function StateTag({ user }: Pick<ComponentProps<typeof StateIn>, 'user'>) {
  const { users, user: says } = useText()
  return <StateIn user={user} words={{ ...users, invited: says.invited }} />
}
