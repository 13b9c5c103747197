import { Button, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { CheckIcon, KeyIcon, MailIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { useLinkToken } from '../link-token.ts'
import { CardPage } from '../parts/card-page.tsx'
import { Notice } from '../parts/notice.tsx'
import { DeadLink, Onward } from './dead-link.tsx'

type ConfirmLinkProps = {
  says: { title: string; lead: string; action: string; done: string; doneLead: string }
  icon: ReactNode
  redeem: (token: string) => Promise<unknown>
  /** Where a new link comes from. */
  renewal?: ReactNode
}

/**
 * What a mail's link asks its reader to confirm. It takes a click: programs that open the links of mails,
 * to look for harm, must not spend the token.
 */
function ConfirmLink({ says, icon, redeem, renewal }: ConfirmLinkProps) {
  const { common } = useText()
  const { status } = useAuth()
  const token = useLinkToken()
  const [done, setDone] = useState(false)
  const form = useForm(
    async () => {
      await redeem(token ?? '')
      setDone(true)
    },
    { inputs: [] },
  )
  if (done) {
    const signedIn = status === 'signedIn'
    return (
      <CardPage title={says.done} lead={says.doneLead} icon={<CheckIcon size={22} />}>
        <Onward href={signedIn ? '/account' : '/sign-in'}>
          {signedIn ? common.toAccount : common.toSignIn}
        </Onward>
      </CardPage>
    )
  }
  if (!token || form.refusal?.code === 'TOKEN_INVALID') return <DeadLink missing={!token}>{renewal}</DeadLink>
  return (
    <CardPage title={says.title} lead={says.lead} icon={icon}>
      <Notice kind="problem">{form.problem}</Notice>
      <form onSubmit={form.onSubmit}>
        <Button type="submit" size="md" fullWidth loading={form.busy}>
          {says.action}
        </Button>
      </form>
    </CardPage>
  )
}

export function VerifyEmail() {
  const { verify, link } = useText()
  const { client } = useAuth()
  return (
    <ConfirmLink
      says={verify}
      icon={<MailIcon size={22} />}
      redeem={client.verifyEmail}
      renewal={<Text fz={14}>{link.askFromSignIn}</Text>}
    />
  )
}

export function ConfirmEmail() {
  const { confirm, link } = useText()
  const { client } = useAuth()
  return (
    <ConfirmLink
      says={confirm}
      icon={<MailIcon size={22} />}
      redeem={client.confirmEmailChange}
      renewal={<Text fz={14}>{link.askFromAccount}</Text>}
    />
  )
}

export function UndoEmailChange() {
  const { undo, link } = useText()
  const { client } = useAuth()
  return (
    <ConfirmLink
      says={undo}
      icon={<KeyIcon size={22} />}
      redeem={client.undoEmailChange}
      renewal={<Onward href="/forgot-password">{link.newPassword}</Onward>}
    />
  )
}
