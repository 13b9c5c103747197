import { SignInLink, UserButton } from 'authograph-client/react'
import { useLoaderData } from 'react-router'
import { sessionContext } from './auth.server.js'

export const loader = ({ context }) => ({ user: context.get(sessionContext).user })

export default function Home() {
  const { user } = useLoaderData()
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
