import { Anchor, Button, Text } from '@mantine/core'
import { useEffect, useState } from 'react'
import { Link } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { LinkIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { CardPage } from '../parts/card-page.tsx'
import { useRecentSignIn } from '../parts/confirm-identity.tsx'
import { Waiting } from '../parts/loading.tsx'
import { Notice } from '../parts/notice.tsx'
import { forgetIdentity, type UnconnectedIdentity } from '../pending-identity.ts'
import { usePendingSignIn } from '../pending-sign-in.ts'
import { nameOf, providerOf } from '../providers.ts'
import { withReturnTo } from '../return-to.ts'
import { NextStep } from './later-step.ts'
import { SignInCard } from './sign-in-card.tsx'

type ConnectAccountProps = {
  identity: UnconnectedIdentity
  search: URLSearchParams
  onConnected: () => void
}

/** Asks for a sign-in to the account that an identity is to be connected with, and connects it. */
export function ConnectAccount({ identity, search, onConnected }: ConnectAccountProps) {
  const { status, user } = useAuth()
  const pendingStep = usePendingSignIn()
  // A session from before may be another person's: then the visitor decides.
  const [before] = useState(status === 'signedIn')
  if (pendingStep) return <NextStep pending={pendingStep} />
  if (status === 'restoring') return <Waiting />
  if (!user) return <SignInCard connecting={identity} />
  return (
    <Connect
      identity={identity}
      email={user.email}
      asks={before}
      elsewhere={withReturnTo('/sign-in', `?${search}`)}
      onConnected={onConnected}
    />
  )
}

type ConnectProps = {
  identity: UnconnectedIdentity
  /** The account's address. */
  email: string
  asks: boolean
  /** The page to go on to without connecting. */
  elsewhere: string
  onConnected: () => void
}

function Connect({ identity, email, asks, elsewhere, onConnected }: ConnectProps) {
  const text = useText()
  const { providers } = text
  const { client } = useAuth()
  const { withRecentSignIn, dialog } = useRecentSignIn()
  const name = nameOf(text, providerOf(identity.provider))
  const [begun, setBegun] = useState(asks)
  const form = useForm(
    async () => {
      await withRecentSignIn(() => client.providers.linkIdentity(identity.ticket))
      forgetIdentity()
      onConnected()
    },
    { inputs: [], words: { TOKEN_INVALID: providers.expired } },
  )
  useEffect(() => {
    if (begun) return
    setBegun(true)
    document.querySelector<HTMLFormElement>('form.connect')?.requestSubmit()
  }, [begun])
  return (
    <CardPage title={providers.connectTitle(name)} icon={<LinkIcon size={22} />}>
      <Text fz={14}>{providers.connectTo(name)}</Text>
      <Text fw={550} style={{ overflowWrap: 'anywhere' }}>
        {email}
      </Text>
      <Notice kind="problem">{form.problem}</Notice>
      <form onSubmit={form.onSubmit} className="connect">
        <Button type="submit" size="md" fullWidth loading={form.busy}>
          {providers.connect}
        </Button>
      </form>
      <Anchor component={Link} href={elsewhere} ta="center" fz={14} onClick={forgetIdentity}>
        {providers.notNow}
      </Anchor>
      {dialog}
    </CardPage>
  )
}
