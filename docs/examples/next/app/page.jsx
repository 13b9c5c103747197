import { SignInLink, UserButton } from 'authograph-client/react'
import { currentSession } from './session.js'

export default async function Page() {
  const { user } = await currentSession()
  if (user === undefined) return <p>Signing in is unavailable. Try again.</p>
  if (user === null) return <SignInLink />
  return (
    <>
      <UserButton />
      <p>Hello {user.displayName ?? user.email}</p>
      <p>Your roles: {user.roles.join(', ')}</p>
    </>
  )
}
