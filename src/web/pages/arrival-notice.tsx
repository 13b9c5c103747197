import { Anchor } from '@mantine/core'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import type { SignInArrival } from '../sign-out.ts'

type ArrivalNoticeProps = {
  arrival: SignInArrival
  ended: boolean | undefined
  badReturn: boolean | undefined
  signOutAgain: () => void
}

/** Says why the visitor is on the sign-in page, if that needs an explanation. */
export function ArrivalNotice({ arrival, ended, badReturn, signOutAgain }: ArrivalNoticeProps) {
  const { signIn, common, data } = useText()
  if (arrival?.signOutFailed) {
    return (
      <Notice kind="warning">
        {common.signOutFailed}{' '}
        <Anchor component="button" type="button" onClick={signOutAgain} inherit underline="always">
          {common.signOut}
        </Anchor>
      </Notice>
    )
  }
  if (arrival?.deleted) return <Notice kind="success">{`${data.deleted}. ${data.deletedLead}`}</Notice>
  if (arrival?.signedOut) return <Notice kind="success">{signIn.signedOut}</Notice>
  if (ended) return <Notice kind="warning">{signIn.ended}</Notice>
  return badReturn ? <Notice kind="warning">{signIn.badReturn}</Notice> : null
}
