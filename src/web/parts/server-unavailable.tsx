import { Button } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'
import { problemText } from '../problems.ts'
import { useTimes } from '../times.ts'
import { CardPage } from './card-page.tsx'

/** Shown while the server cannot say whether the visitor is signed in. The client also retries by itself. */
export function ServerUnavailable({ error }: { error: unknown }) {
  const text = useText()
  const times = useTimes()
  const { client } = useAuth()
  const [busy, setBusy] = useState(false)
  const retry = async () => {
    setBusy(true)
    await client.restore().catch(() => {})
    setBusy(false)
  }
  return (
    <CardPage title={text.failures.noAnswer} lead={problemText(text, times.span, error)}>
      <Button onClick={() => void retry()} loading={busy}>
        {text.common.tryAgain}
      </Button>
    </CardPage>
  )
}
