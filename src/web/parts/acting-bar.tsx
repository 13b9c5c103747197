import { Button } from '@mantine/core'
import type { AuthClient, User } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'

/** Says on every page that an administrator acts as the user, and ends it. */
export function ActingBar({ user }: { user: User }) {
  const { acting } = useText()
  const { client } = useAuth()
  return (
    <p className="acting-bar" role="status">
      <span>{acting.bar(user.displayName ?? user.username ?? user.email)}</span>
      <Button size="xs" variant="default" onClick={() => void stopActing(client)}>
        {acting.stop}
      </Button>
    </p>
  )
}

/** Ends the session. The page then goes back to the administrator's own: see client.ts. */
export async function stopActing(client: AuthClient): Promise<void> {
  try {
    await client.logout()
  } catch {
    // The session is forgotten here, and ends by itself within 30 minutes.
  }
}
