import { Anchor } from '@mantine/core'
import { useState } from 'react'
import { leaving } from '../../client/leaving.ts'
import { useAuth } from '../../client/react.ts'
import { logos } from '../brands.ts'
import { useForm } from '../forms.ts'
import { LinkIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { type ProviderSettings, settings } from '../page-settings.ts'
import { actionOf, returning } from '../providers.ts'
import { Notice } from './notice.tsx'

/** A visitor chooses among few at first. */
const FIRST = 4

/** Signs in, or registers, with another service. */
export function ProviderButtons() {
  const { client } = useAuth()
  return (
    <ProviderChoice
      providers={settings.providers}
      go={id => client.providers.signIn(id, returning('signIn', id))}
    />
  )
}

type ProviderChoiceProps = {
  providers: readonly ProviderSettings[]
  /** Leaves for the provider's page. */
  go: (id: string) => Promise<unknown>
}

/** A button for each provider, the first few at first. */
export function ProviderChoice({ providers, go }: ProviderChoiceProps) {
  const text = useText()
  const [all, setAll] = useState(false)
  const form = useForm(
    async values => {
      await go(values('provider'))
      await leaving()
    },
    { inputs: [] },
  )
  const shown = all || providers.length <= FIRST + 1 ? providers : providers.slice(0, FIRST)
  return (
    <>
      <Notice kind="problem">{form.problem}</Notice>
      {shown.map(provider => (
        <form key={provider.id} onSubmit={form.onSubmit} method="post">
          <input type="hidden" name="provider" value={provider.id} />
          <button
            type="submit"
            className="provider brand-surface"
            data-brand={provider.type}
            disabled={form.busy}
          >
            <BrandLogo provider={provider} />
            {actionOf(text, provider)}
          </button>
        </form>
      ))}
      {shown.length < providers.length && (
        <Anchor component="button" type="button" fz={14} onClick={() => setAll(true)}>
          {text.providers.more}
        </Anchor>
      )}
    </>
  )
}

/** The logo has no text of its own, because the name stands beside it. */
export function BrandLogo({ provider: { type } }: { provider: ProviderSettings }) {
  if (type === 'oidc') return <LinkIcon size={20} />
  return <img src={logos[type]} alt="" width={20} height={20} />
}
