import { Button, Text } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { CheckIcon, KeyIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { CardPage } from '../parts/card-page.tsx'
import { MailboxProof } from '../parts/mailbox-proof.tsx'
import { endPendingSignIn } from '../pending-sign-in.ts'
import { useTimes } from '../times.ts'

type RecoverFactorsProps = {
  /** Of the sign-in that demands the lost factor. */
  ticket: string
  /** How long the server waits before it removes the factors. */
  waitSeconds: number
  onCancel: () => void
}

/**
 * Recovers an account whose second factors are lost. The first visit begins a wait, a visit after it removes the factors:
 * the server decides which one this is, and `readyAt` says.
 */
export function RecoverFactors({ ticket, waitSeconds, onCancel }: RecoverFactorsProps) {
  const { recoverFactors: says } = useText()
  const { client } = useAuth()
  const times = useTimes()
  const [readyAt, setReadyAt] = useState<string>()
  if (readyAt === undefined) {
    return (
      <CardPage title={says.title} lead={says.lead(times.span(waitSeconds))} icon={<KeyIcon size={22} />}>
        <MailboxProof
          ticket={ticket}
          lead={says.mailLead}
          action={says.action}
          onCode={async emailCode => setReadyAt(await client.factors.requestRecovery({ ticket, emailCode }))}
          onCancel={onCancel}
        />
      </CardPage>
    )
  }
  const isDone = Date.parse(readyAt) <= Date.now()
  return (
    <CardPage
      key={String(isDone)}
      title={isDone ? says.done : says.begun}
      lead={isDone ? says.doneLead : says.readyAt(times.moment(readyAt))}
      icon={isDone ? <CheckIcon size={22} /> : <KeyIcon size={22} />}
    >
      {!isDone && (
        <Text fz={14} lh={1.55}>
          {says.howToFinish(says.link)}
        </Text>
      )}
      <Button size="md" fullWidth onClick={endPendingSignIn}>
        {isDone ? says.signIn : says.back}
      </Button>
    </CardPage>
  )
}
