import { Button, NativeSelect, TextInput } from '@mantine/core'
import { Fragment, useRef, useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { UpdateUserDocument, type UpdateUserInput } from '../generated/graphql.ts'
import { languages, useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { ConflictNotice } from './conflict-notice.tsx'
import { type Editable, saveGuarded, useBase } from './guarded-save.ts'
import type { UserDetails, UserPanelProps } from './user-details.ts'

const NAMES = ['displayName', 'username', 'email', 'locale'] as const

/** The fields that differ from `base`, as the server takes them. */
function editsOf(value: (name: string) => string, base: Editable): UpdateUserInput {
  const edited = NAMES.filter(name => value(name).trim() !== (base[name] ?? ''))
  return Object.fromEntries(edited.map(name => [name, value(name).trim() || null]))
}

/** Edits the name, username, address and language of an account. */
export function UserFields({ user, reload }: UserPanelProps) {
  const { user: says, common, profile } = useText()
  const { client, user: viewer } = useAuth()
  const checks = useChecks()
  const element = useRef<HTMLFormElement>(null)
  const [done, setDone] = useState<string>()
  const isOwn = viewer?.id === user.id
  const base = useBase(user, values => {
    if (!element.current) return false
    const data = new FormData(element.current)
    return Object.keys(editsOf(name => String(data.get(name) ?? ''), values)).length > 0
  })
  const form = useForm(
    values =>
      base.guard(async () => {
        setDone(undefined)
        const input = editsOf(values, base.values)
        const names = NAMES.filter(name => name in input)
        if (names.length > 0) {
          const { updateUser } = await saveGuarded(base.values, names, expectedUpdatedAt =>
            client.request(UpdateUserDocument, { id: user.id, input, expectedUpdatedAt }),
          )
          base.refill(updateUser)
        }
        setDone(isLinked(user, input.email) ? says.newAddress(String(input.email)) : common.saved)
        if (isOwn) await client.me()
        await reload()
      }),
    {
      inputs: [...NAMES],
      check: values => ({ email: isOwn ? undefined : checks.email(values('email')) }),
    },
  )
  const locales = languages.map(({ tag, name }) => ({ value: tag, label: name }))
  const { locale } = base.values
  // The account may have a language that the pages lack. Saving something else must not change it.
  const known = locales.some(({ value }) => value === locale)
  return (
    <Panel title={says.profileTitle}>
      <form ref={element} onSubmit={form.onSubmit} noValidate className="stack">
        {/* A new key fills the inputs again. */}
        <Fragment key={base.fill}>
          <TextInput
            name="displayName"
            label={common.displayName}
            defaultValue={base.values.displayName ?? ''}
            autoComplete="off"
            maxLength={100}
            error={form.error('displayName')}
          />
          <TextInput
            name="username"
            label={common.username}
            description={profile.usernameHint}
            defaultValue={base.values.username ?? ''}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={32}
            error={form.error('username')}
          />
          <TextInput
            name="email"
            type="email"
            label={common.email}
            description={isOwn ? says.ownEmailHint : says.emailHint}
            defaultValue={base.values.email}
            readOnly={isOwn}
            autoComplete="off"
            error={form.error('email')}
          />
          <NativeSelect
            name="locale"
            label={common.language}
            defaultValue={locale}
            data={known ? locales : [{ value: locale, label: locale }, ...locales]}
            error={form.error('locale')}
          />
        </Fragment>
        <Notice kind="problem">{form.problem}</Notice>
        <ConflictNotice base={base} />
        <Notice kind="success">{!form.problem && !base.conflict && done}</Notice>
        <Button type="submit" loading={form.busy} style={{ alignSelf: 'flex-start' }}>
          {common.save}
        </Button>
      </form>
    </Panel>
  )
}

/** Whether the server sends a link to a saved address: not for another spelling of the one there was. */
function isLinked({ email, invitedAt }: UserDetails, saved: string | null | undefined): boolean {
  const isNew = typeof saved === 'string' && saved.toLowerCase() !== email.toLowerCase()
  return isNew && settings.mail && (settings.emailVerification !== 'off' || invitedAt !== null)
}
