import { useText } from '../language.tsx'
import { CardPage } from '../parts/card-page.tsx'
import { EnrollApp } from '../parts/enroll-app.tsx'
import { endPendingSignIn, type PendingSignIn } from '../pending-sign-in.ts'
import { SecondStep } from './second-step.tsx'

/** The step that a sign-in continues with. */
export function NextStep({ pending }: { pending: PendingSignIn }) {
  const { factors } = useText()
  if (pending.status === 'secondFactor') return <SecondStep pending={pending} />
  return (
    <CardPage title={factors.setUpTitle} lead={factors.setUpLead}>
      <EnrollApp ticket={pending.ticket} onDone={endPendingSignIn} onCancel={endPendingSignIn} />
    </CardPage>
  )
}
