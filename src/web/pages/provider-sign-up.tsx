import { Anchor, Button, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { ProviderSignUp } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { useLanguage } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { CardPage } from '../parts/card-page.tsx'
import { EmailField } from '../parts/fields.tsx'
import { CookieNotice, Notice } from '../parts/notice.tsx'
import { forgetIdentity, rememberSignUp } from '../pending-identity.ts'
import { rememberReturn } from '../pending-return.ts'
import { nameOf, providerOf } from '../providers.ts'
import { Agreement, CheckMailbox } from './register.tsx'

type ProviderSignUpPageProps = {
  identity: ProviderSignUp
  search: URLSearchParams
  /** The visitor has an account already. */
  onConnect: () => void
}

/** Asks for the address that a provider does not give, or that no one can rely on, and creates the account. */
export function ProviderSignUpPage({ identity, search, onConnect }: ProviderSignUpPageProps) {
  const { tag, text } = useLanguage()
  const { client } = useAuth()
  const checks = useChecks()
  const { providers, common } = text
  const [waitingFor, setWaitingFor] = useState<string>()
  const name = nameOf(text, providerOf(identity.provider))
  const form = useForm(
    async values => {
      const displayName = values('displayName').trim()
      const result = await client.providers.completeSignUp({
        ticket: identity.ticket,
        email: values('email').trim(),
        locale: tag,
        ...(displayName && { displayName }),
      })
      forgetIdentity()
      if (result.status !== 'verificationRequired') return
      rememberReturn(`?${search}`)
      rememberSignUp(identity)
      setWaitingFor(result.email)
    },
    {
      inputs: ['displayName', 'email'],
      words: { TOKEN_INVALID: providers.expired },
      check: values => ({ email: checks.email(values('email')) }),
    },
  )
  if (waitingFor) return <CheckMailbox email={waitingFor} />
  return (
    <CardPage
      title={text.register.to}
      lead={settings.registrationOpen ? providers.signUpLead(name) : text.errors.REGISTRATION_CLOSED}
      below={
        <Anchor component="button" type="button" fz={14} underline="always" onClick={onConnect}>
          {providers.haveAccount}
        </Anchor>
      }
    >
      <CookieNotice />
      <Notice kind="problem">{form.problem}</Notice>
      {settings.registrationOpen && (
        <form onSubmit={form.onSubmit} method="post" noValidate className="stack">
          <TextInput
            name="displayName"
            label={`${common.displayName} (${common.optional})`}
            autoComplete="name"
            maxLength={100}
            defaultValue={identity.displayName ?? ''}
            error={form.error('displayName')}
            size="md"
          />
          <EmailField defaultValue={identity.email ?? ''} error={form.error('email')} autoFocus size="md" />
          <Button type="submit" size="md" fullWidth loading={form.busy}>
            {text.register.action}
          </Button>
          <Agreement />
        </form>
      )}
    </CardPage>
  )
}
