import { Anchor, Button, Text } from '@mantine/core'
import { useEffect, useState } from 'react'
import { Link } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { MailIcon } from '../icons.tsx'
import { useLanguage, useText } from '../language.tsx'
import { forgetLinkToken } from '../link-token.ts'
import { settings } from '../page-settings.ts'
import { CardPage } from '../parts/card-page.tsx'
import { CodeField } from '../parts/code-field.tsx'
import { EmailField } from '../parts/fields.tsx'
import { CookieNotice, Notice } from '../parts/notice.tsx'
import { Resend } from '../parts/resend.tsx'
import { rememberedReturn, rememberReturn } from '../pending-return.ts'
import { continueSignIn, usePendingSignIn } from '../pending-sign-in.ts'
import { withReturnTo } from '../return-to.ts'
import { ConfirmOpened } from './confirm-link.tsx'
import { type OpenedLink, useEmailLink } from './email-link.ts'
import { NextStep } from './later-step.ts'
import { SignIn } from './sign-in.tsx'

/** Signs in with an email: by the code in it where one began, or by its link and a button. */
export function EmailLogin() {
  const { status } = useAuth()
  const pending = usePendingSignIn()
  const opened = useEmailLink()
  const { missing } = useText()
  if (pending) return <NextStep pending={pending} />
  if (status === 'signedIn') return <SignIn search={location.search || rememberedReturn()} />
  if (opened.token !== '') return <LinkOpened opened={opened} />
  if (!settings.emailLogin) return <CardPage title={missing.title} lead={missing.lead} />
  return <Code />
}

function LinkOpened({ opened }: { opened: OpenedLink }) {
  const { emailLogin, link } = useText()
  const { client } = useAuth()
  const { linkTitle: title, linkLead: lead, linkAction: action } = emailLogin
  return (
    <ConfirmOpened
      opened={opened}
      says={{ title, lead, action }}
      icon={<MailIcon size={22} />}
      redeem={async token => {
        const result = await client.loginWithEmail({ token })
        forgetLinkToken()
        continueSignIn(result)
      }}
      renewal={<Text fz={14}>{link.askFromSignIn}</Text>}
    >
      <CookieNotice />
    </ConfirmOpened>
  )
}

type Requested = { email: string; ticket: string }

function Code() {
  const { emailLogin } = useText()
  const { tag } = useLanguage()
  const { client } = useAuth()
  const checks = useChecks()
  const [requested, setRequested] = useState<Requested>()
  useEffect(() => rememberReturn(location.search), [])
  const request = async (email: string) => {
    const { ticket } = await client.requestEmailLogin({ email, locale: tag })
    setRequested({ email, ticket })
  }
  const form = useForm(values => request(values('email')), {
    inputs: ['email'],
    check: values => ({ email: checks.email(values('email')) }),
  })
  if (requested) {
    return (
      <EnterCode
        requested={requested}
        resend={() => request(requested.email)}
        onRestart={() => setRequested(undefined)}
      />
    )
  }
  return (
    <CardPage
      title={emailLogin.title}
      lead={emailLogin.lead}
      below={
        <Anchor component={Link} href={withReturnTo('/sign-in', location.search)} fz={14} underline="always">
          {emailLogin.otherWays}
        </Anchor>
      }
    >
      <CookieNotice />
      <Notice kind="problem">{form.problem}</Notice>
      <form onSubmit={form.onSubmit} noValidate className="stack">
        <EmailField error={form.error('email')} autoFocus size="md" />
        <Button type="submit" size="md" fullWidth loading={form.busy}>
          {emailLogin.send}
        </Button>
      </form>
    </CardPage>
  )
}

type EnterCodeProps = { requested: Requested; resend: () => Promise<void>; onRestart: () => void }

function EnterCode({ requested: { email, ticket }, resend, onRestart }: EnterCodeProps) {
  const { emailLogin, mailed } = useText()
  const { client } = useAuth()
  const checks = useChecks()
  const form = useForm(
    async values => continueSignIn(await client.loginWithEmail({ ticket, code: values('code') })),
    {
      inputs: ['code'],
      inputOf: { CODE_INVALID: 'code' },
      check: values => ({ code: checks.required(values('code')) }),
    },
  )
  return (
    <CardPage title={mailed.title} lead={emailLogin.sent(email)} icon={<MailIcon size={22} />}>
      <Notice kind="problem">{form.problem}</Notice>
      <form onSubmit={form.onSubmit} noValidate className="stack">
        <CodeField error={form.error('code')} autoFocus />
        <Button type="submit" size="md" fullWidth loading={form.busy}>
          {emailLogin.action}
        </Button>
      </form>
      <Resend send={resend} label={mailed.resend} />
      <Text fz={14}>
        <Anchor component="button" type="button" fz={14} onClick={onRestart}>
          {mailed.otherAddress}
        </Anchor>
      </Text>
    </CardPage>
  )
}
