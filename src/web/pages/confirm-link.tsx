import { Button, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { CheckIcon, KeyIcon, MailIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { CardPage } from '../parts/card-page.tsx'
import { Waiting } from '../parts/loading.tsx'
import { Notice } from '../parts/notice.tsx'
import { forgetSignUp, rememberedSignUp } from '../pending-identity.ts'
import { rememberedReturn } from '../pending-return.ts'
import { withReturnTo } from '../return-to.ts'
import { DeadLink, Onward } from './dead-link.tsx'
import { type OpenedLink, useEmailLink } from './email-link.ts'

type Done = { done: string; doneLead: string }

export type ConfirmLinkProps = {
  /** Without `done`, redeeming the link leads to another page. */
  says: { title: string; lead: string; action: string } & (Done | { done?: never })
  icon: ReactNode
  redeem: (token: string) => Promise<unknown>
  /** How to get a new link. */
  renewal?: ReactNode
  /** How to continue when it is done; by default, to the sign-in page or the account. */
  next?: ReactNode
  /** What to know before confirming. */
  children?: ReactNode
}

/**
 * What the link in an email asks its reader to confirm. Confirming takes a click: programs that open links in emails
 * to check them must not use up the token.
 */
export function ConfirmOpened({
  opened: { token, link, state },
  says,
  icon,
  redeem,
  renewal,
  next,
  children,
}: ConfirmLinkProps & { opened: OpenedLink }) {
  const [done, setDone] = useState(false)
  const form = useForm(
    async () => {
      await redeem(token)
      setDone(true)
    },
    { inputs: [] },
  )
  if (says.done !== undefined && (done || link?.confirmed)) return <Confirmed says={says} next={next} />
  if (state === 'loading') return <Waiting />
  if (state !== 'open' || form.refusal?.code === 'TOKEN_INVALID') {
    return <DeadLink missing={state === 'incomplete'}>{renewal}</DeadLink>
  }
  return (
    <CardPage title={says.title} lead={says.lead} icon={icon}>
      {children}
      {link && (
        <Text fw={550} style={{ overflowWrap: 'anywhere' }}>
          {link.email}
        </Text>
      )}
      <Notice kind="problem">{form.problem}</Notice>
      <form onSubmit={form.onSubmit}>
        <Button type="submit" size="md" fullWidth loading={form.busy}>
          {says.action}
        </Button>
      </form>
    </CardPage>
  )
}

function ConfirmLink(props: ConfirmLinkProps) {
  return <ConfirmOpened {...props} opened={useEmailLink()} />
}

function Confirmed({ says, next }: { says: Done; next?: ReactNode }) {
  const { common } = useText()
  const { status } = useAuth()
  const signedIn = status === 'signedIn'
  return (
    <CardPage title={says.done} lead={says.doneLead} icon={<CheckIcon size={22} />}>
      {next ?? (
        <Onward href={withReturnTo('/sign-in', rememberedReturn())}>
          {signedIn ? common.toAccount : common.toSignIn}
        </Onward>
      )}
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
      redeem={async token => {
        await client.verifyEmail(token, rememberedSignUp())
        forgetSignUp()
      }}
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

export function CancelFactorRecovery() {
  const { cancelRecovery, link } = useText()
  const { client } = useAuth()
  const newPassword = <Onward href="/forgot-password">{link.newPassword}</Onward>
  return (
    <ConfirmLink
      says={cancelRecovery}
      icon={<KeyIcon size={22} />}
      redeem={client.cancelFactorRecovery}
      renewal={newPassword}
      next={newPassword}
    />
  )
}
