import { Button, Group, Text } from '@mantine/core'
import type { Identity } from '../../client/index.ts'
import { leaving } from '../../client/leaving.ts'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { type ProviderSettings, settings } from '../page-settings.ts'
import type { WithRecentSignIn } from '../parts/confirm-identity.tsx'
import { Notice } from '../parts/notice.tsx'
import { Answer, Panel } from '../parts/panel.tsx'
import { BrandLogo } from '../parts/provider-buttons.tsx'
import { nameOf, providerOf, returning } from '../providers.ts'
import { useTimes } from '../times.ts'
import { useQuery } from '../use-query.ts'

type ProvidersPanelProps = {
  withRecentSignIn: WithRecentSignIn
  /** The ways to sign in have changed. */
  onChange: () => Promise<void>
}

/** The accounts at other services that sign in to this account. */
export function ProvidersPanel({ withRecentSignIn, onChange }: ProvidersPanelProps) {
  const text = useText()
  const { providers: says } = text
  const { client } = useAuth()
  const query = useQuery('identities', () => client.providers.identities())
  const linking = useForm(
    async values => {
      const id = values('provider')
      await withRecentSignIn(() => client.providers.link(id, returning('link', id)))
      await leaving()
    },
    { inputs: [] },
  )
  const unlinking = useForm(
    async values => {
      await withRecentSignIn(() => client.providers.unlink(values('identity')))
      await Promise.all([query.reload(), onChange()])
    },
    { inputs: [] },
  )
  const problem = linking.problem ?? unlinking.problem
  const unconnected = (identities: readonly Identity[]) =>
    settings.providers.filter(({ id }) => !identities.some(({ provider }) => provider === id))
  return (
    <Panel
      title={says.panelTitle}
      lead={says.panelLead}
      list={
        <Answer query={query} lines={settings.providers.length}>
          {identities => (
            <ul className="rows">
              {identities.map(identity => (
                <Row
                  key={identity.id}
                  provider={providerOf(identity.provider)}
                  identity={identity}
                  onSubmit={unlinking.onSubmit}
                  busy={unlinking.busy}
                />
              ))}
              {unconnected(identities).map(provider => (
                <Row key={provider.id} provider={provider} onSubmit={linking.onSubmit} busy={linking.busy} />
              ))}
            </ul>
          )}
        </Answer>
      }
    >
      {problem && <Notice kind="problem">{problem}</Notice>}
    </Panel>
  )
}

type RowProps = {
  provider: ProviderSettings
  /** Undefined if the provider is not connected. */
  identity?: Identity
  onSubmit: React.FormEventHandler<HTMLFormElement>
  busy: boolean
}

function Row({ provider, identity, onSubmit, busy }: RowProps) {
  const text = useText()
  const { providers: says } = text
  const times = useTimes()
  const name = nameOf(text, provider)
  const who = identity?.email ?? identity?.displayName
  return (
    <li>
      <span className="brand-tile brand-surface" data-brand={provider.type}>
        <BrandLogo provider={provider} />
      </span>
      <div className="grow">
        <Text fw={550} fz={15} component="div">
          {name}
        </Text>
        <Text fz={13} c="dimmed" lh={1.5} style={{ overflowWrap: 'anywhere' }}>
          {identity
            ? [who, says.used(times.moment(identity.lastUsedAt))].filter(Boolean).join(' · ')
            : says.notConnected}
        </Text>
      </div>
      <Group gap={8}>
        <form onSubmit={onSubmit}>
          <input
            type="hidden"
            name={identity ? 'identity' : 'provider'}
            value={identity ? identity.id : provider.id}
          />
          <Button
            type="submit"
            size="xs"
            variant="default"
            disabled={busy}
            aria-label={identity ? says.disconnectOf(name) : says.connectOf(name)}
          >
            {identity ? says.disconnect : says.connect}
          </Button>
        </form>
      </Group>
    </li>
  )
}
