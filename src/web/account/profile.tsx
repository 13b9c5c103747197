import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { User } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { EmailChangeUndoDocument } from '../generated/graphql.ts'
import { languages, useLanguage, useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { useRecentSignIn } from '../parts/confirm-identity.tsx'
import { EmailChangeUndo } from '../parts/email-change-undo.tsx'
import { EmailField } from '../parts/fields.tsx'
import { Notice } from '../parts/notice.tsx'
import { OwnersOnly, useIsActing } from '../parts/owners-only.tsx'
import { Panel } from '../parts/panel.tsx'
import { Tag } from '../parts/tag.tsx'
import { useQuery } from '../use-query.ts'

export function Profile({ user }: { user: User }) {
  const { text, choose } = useLanguage()
  const { client } = useAuth()
  const isActing = useIsActing()
  const [saved, setSaved] = useState(false)
  const form = useForm(
    async (values, element) => {
      setSaved(false)
      const locale = values('locale')
      const stored = await client.updateProfile({
        displayName: values('displayName').trim() || null,
        username: values('username').trim() || null,
        ...(locale && { locale }),
      })
      for (const name of ['displayName', 'username'] as const) {
        // As the server keeps it: without surrounding spaces, and usernames in lower case.
        const input = element.elements.namedItem(name)
        if (input instanceof HTMLInputElement && input.value === values(name))
          input.value = stored[name] ?? ''
      }
      // Saving something else must not change the language of the page.
      if (locale !== user.locale && languages.some(({ tag }) => tag === locale)) choose(locale)
      setSaved(true)
    },
    { inputs: ['displayName', 'username', 'locale'] },
  )
  const { profile, common } = text
  const locales = languages.map(({ tag, name }) => ({ value: tag, label: name }))
  // The account may have a language that the pages lack. Saving something else must not change it.
  const known = locales.some(({ value }) => value === user.locale)
  return (
    <>
      <UnverifiedNotice user={user} />
      <Panel title={profile.title} lead={profile.lead}>
        <form onSubmit={form.onSubmit} noValidate className="stack">
          <TextInput
            name="displayName"
            label={common.displayName}
            description={profile.nameHint}
            defaultValue={user.displayName ?? ''}
            autoComplete="name"
            maxLength={100}
            error={form.error('displayName')}
          />
          <TextInput
            name="username"
            label={common.username}
            description={profile.usernameHint}
            defaultValue={user.username ?? ''}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={32}
            // It signs in, so an administrator who acts as the user cannot change it.
            readOnly={isActing}
            error={form.error('username')}
          />
          <NativeSelect
            name="locale"
            label={common.language}
            defaultValue={user.locale}
            data={known ? locales : [{ value: user.locale, label: user.locale }, ...locales]}
            error={form.error('locale')}
          />
          <Notice kind="problem">{form.problem}</Notice>
          <Notice kind="success">{saved && !form.problem && common.saved}</Notice>
          <Button type="submit" loading={form.busy} style={{ alignSelf: 'flex-start' }}>
            {common.save}
          </Button>
        </form>
      </Panel>
      <EmailPanel user={user} />
    </>
  )
}

function UnverifiedNotice({ user }: { user: User }) {
  const { account, mailed } = useText()
  const { client } = useAuth()
  const [sent, setSent] = useState(false)
  const form = useForm(
    async () => {
      await client.resendVerificationEmail(user.email)
      setSent(true)
    },
    { inputs: [] },
  )
  if (user.emailVerified || !settings.mail || settings.emailVerification === 'off') return null
  return (
    <Notice kind="warning">
      <form
        onSubmit={form.onSubmit}
        style={{ display: 'flex', flexWrap: 'wrap', gap: '10px 16px', alignItems: 'center' }}
      >
        <span style={{ flex: '1 1 260px' }}>{form.problem ?? account.unverified(user.email)}</span>
        <Button type="submit" size="xs" variant="default" loading={form.busy} disabled={sent}>
          {sent ? mailed.resent : mailed.resend}
        </Button>
      </form>
    </Notice>
  )
}

function EmailPanel({ user }: { user: User }) {
  const { profile } = useText()
  const { client } = useAuth()
  const checks = useChecks()
  const { withRecentSignIn, dialog } = useRecentSignIn()
  const isActing = useIsActing()
  const [sentTo, setSentTo] = useState<string>()
  const undo = useQuery(user.email, async () => {
    const { me } = await client.request(EmailChangeUndoDocument)
    return me?.emailChangeUndoableUntil ?? null
  })
  const form = useForm(
    async (values, element) => {
      setSentTo(undefined)
      const newEmail = values('newEmail').trim()
      await withRecentSignIn(() => client.requestEmailChange(newEmail))
      setSentTo(newEmail)
      element.reset()
    },
    { inputs: ['newEmail'], check: values => ({ newEmail: checks.email(values('newEmail')) }) },
  )
  return (
    <Panel
      title={profile.emailTitle}
      lead={settings.mail ? profile.emailLead(user.email) : `${user.email}. ${profile.noMail}`}
      aside={
        <Tag color={user.emailVerified ? 'good' : 'none'}>
          {user.emailVerified ? profile.verified : profile.notVerified}
        </Tag>
      }
    >
      {settings.mail && (
        <OwnersOnly>
          <form onSubmit={form.onSubmit} noValidate className="stack">
            <EmailField name="newEmail" label={profile.newEmail} error={form.error('newEmail')} />
            <Notice kind="problem">{form.problem}</Notice>
            <Notice kind="mail">{sentTo && profile.emailSent(sentTo)}</Notice>
            <Button type="submit" variant="default" loading={form.busy} style={{ alignSelf: 'flex-start' }}>
              {profile.emailAction}
            </Button>
          </form>
        </OwnersOnly>
      )}
      <EmailChangeUndo
        user={{ id: user.id, emailChangeUndoableUntil: undo.data ?? null }}
        onEnded={undo.reload}
        manage={!isActing}
      />
      {dialog}
    </Panel>
  )
}
