import { Button, Text, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useLocation } from 'wouter'
import { AuthError } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { CheckIcon, KeyIcon, UserIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { forgetLinkToken } from '../link-token.ts'
import { settings } from '../page-settings.ts'
import { CardPage } from '../parts/card-page.tsx'
import { NewPasswordField } from '../parts/fields.tsx'
import { Waiting } from '../parts/loading.tsx'
import { Notice } from '../parts/notice.tsx'
import { rememberedReturn } from '../pending-return.ts'
import { continueSignIn } from '../pending-sign-in.ts'
import { withReturnTo } from '../return-to.ts'
import { DeadLink, Onward } from './dead-link.tsx'
import { type EmailLink, useEmailLink } from './email-link.ts'

type PasswordPage = {
  title: string
  /** `link` is undefined if the server could not say whose link it is. */
  lead: (link: EmailLink | undefined) => string
  action: string
  done: string
  doneLead: string
  icon: ReactNode
  /** How to get a new link. */
  renewal: ReactNode
}

/** Sets a password with the link in an email, then signs in. */
function SetPassword({ page }: { page: PasswordPage }) {
  const { token, link, state } = useEmailLink()
  const [done, setDone] = useState(false)
  const [refused, setRefused] = useState(false)
  if (done) return <PasswordSet page={page} />
  if (state === 'loading') return <Waiting />
  if (state !== 'open' || refused) {
    return <DeadLink missing={state === 'incomplete'}>{page.renewal}</DeadLink>
  }
  return (
    <PasswordForm
      page={page}
      token={token}
      link={link}
      onDone={() => setDone(true)}
      onRefused={() => setRefused(true)}
    />
  )
}

type PasswordFormProps = {
  page: PasswordPage
  token: string
  link: EmailLink | undefined
  /** The password is set, but signing in failed. */
  onDone: () => void
  onRefused: () => void
}

function PasswordForm({ page, token, link, onDone, onRefused }: PasswordFormProps) {
  const { common } = useText()
  const { client } = useAuth()
  const [, navigate] = useLocation()
  const checks = useChecks()
  const form = useForm(
    async values => {
      const password = values('newPassword')
      try {
        await client.resetPassword({ token, newPassword: password })
      } catch (error) {
        if (error instanceof AuthError && error.code === 'TOKEN_INVALID') return onRefused()
        throw error
      }
      forgetLinkToken()
      if (!link) return onDone()
      try {
        continueSignIn(await client.login({ identifier: link.email, password }))
      } catch {
        return onDone()
      }
      navigate(withReturnTo('/sign-in', rememberedReturn()), { replace: true })
    },
    {
      inputs: ['newPassword'],
      check: values => ({ newPassword: checks.newPassword(values('newPassword')) }),
    },
  )
  const own = [link?.email, link?.username, link?.displayName].filter(word => word != null)
  return (
    <CardPage title={page.title} lead={page.lead(link)} icon={page.icon}>
      <Notice kind="problem">{form.problem}</Notice>
      <form onSubmit={form.onSubmit} noValidate className="stack">
        {link && (
          <TextInput
            label={common.email}
            value={link.email}
            type="email"
            autoComplete="username"
            readOnly
            variant="filled"
            size="md"
          />
        )}
        <NewPasswordField
          name="newPassword"
          own={own}
          autoFocus
          error={form.error('newPassword')}
          size="md"
        />
        <Button type="submit" size="md" fullWidth loading={form.busy}>
          {page.action}
        </Button>
      </form>
    </CardPage>
  )
}

function PasswordSet({ page }: { page: PasswordPage }) {
  const { common } = useText()
  return (
    <CardPage title={page.done} lead={page.doneLead} icon={<CheckIcon size={22} />}>
      <Onward href={withReturnTo('/sign-in', rememberedReturn())}>{common.toSignIn}</Onward>
    </CardPage>
  )
}

export function ResetPassword() {
  const { reset, link } = useText()
  const page: PasswordPage = {
    ...reset,
    lead: () => reset.lead,
    icon: <KeyIcon size={22} />,
    renewal: <Onward href="/forgot-password">{link.newLink}</Onward>,
  }
  return <SetPassword page={page} />
}

export function AcceptInvitation() {
  const { invited, link } = useText()
  const { appName } = settings
  const page: PasswordPage = {
    ...invited,
    title: invited.title(appName),
    lead: opened =>
      opened?.invitedBy ? `${invited.by(opened.invitedBy, appName)} ${invited.lead}` : invited.lead,
    icon: <UserIcon size={22} />,
    renewal: <Text fz={14}>{link.askAdministrator}</Text>,
  }
  return <SetPassword page={page} />
}
