import { Button, Group, Switch, Text } from '@mantine/core'
import { useState } from 'react'
import type { Factors } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import type { WithRecentSignIn } from '../parts/confirm-identity.tsx'
import { DialogFrame } from '../parts/dialog.tsx'
import { EnrollApp } from '../parts/enroll-app.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { RecoveryCodesDialog } from '../parts/recovery-codes.tsx'
import { Tag } from '../parts/tag.tsx'

type AppPanelProps = {
  factors: Factors
  withRecentSignIn: WithRecentSignIn
  reload: () => Promise<void>
}

/** The authenticator app, the recovery codes, and whether every sign-in needs a second factor. */
export function AppPanel({ factors, withRecentSignIn, reload }: AppPanelProps) {
  const { factors: says, recovery } = useText()
  const { client } = useAuth()
  const [adding, setAdding] = useState(false)
  const [codes, setCodes] = useState<readonly string[]>()
  const confirmed = async (run: () => Promise<void>) => {
    await withRecentSignIn(run)
    await reload()
  }
  const removal = useForm(() => confirmed(() => client.factors.removeTotp()), { inputs: [] })
  const renewal = useForm(() => confirmed(async () => setCodes(await client.factors.renewRecoveryCodes())), {
    inputs: [],
  })
  const requirement = useForm(
    () => confirmed(() => client.factors.requireSecondFactor(!factors.secondFactorRequired)),
    { inputs: [] },
  )
  const hasFactor = factors.hasTotp || factors.passkeys.length > 0
  const problem = removal.problem ?? renewal.problem ?? requirement.problem
  return (
    <Panel
      title={says.appTitle}
      lead={says.appLead}
      aside={factors.hasTotp && <Tag color="good">{says.on}</Tag>}
    >
      <Notice kind="problem">{problem}</Notice>
      {factors.hasTotp ? (
        <form onSubmit={removal.onSubmit}>
          <Button type="submit" variant="default" loading={removal.busy}>
            {says.removeApp}
          </Button>
        </form>
      ) : (
        <Group>
          <Button onClick={() => setAdding(true)}>{says.addApp}</Button>
        </Group>
      )}
      {hasFactor && (
        <>
          <Text fz={14}>{recovery.left(factors.recoveryCodesLeft)}</Text>
          <form onSubmit={renewal.onSubmit}>
            <Button type="submit" variant="default" loading={renewal.busy}>
              {recovery.renew}
            </Button>
          </form>
        </>
      )}
      {factors.passkeys.length > 0 && !factors.hasTotp && (
        <form onSubmit={requirement.onSubmit}>
          <Switch
            label={says.always}
            description={says.alwaysLead}
            checked={factors.secondFactorRequired}
            disabled={requirement.busy}
            onChange={event => event.currentTarget.form?.requestSubmit()}
          />
        </form>
      )}
      {adding && (
        <DialogFrame title={says.addApp} onClose={() => setAdding(false)}>
          <EnrollApp
            withRecentSignIn={withRecentSignIn}
            onCancel={() => setAdding(false)}
            onDone={() => {
              setAdding(false)
              void reload()
            }}
          />
        </DialogFrame>
      )}
      {codes && <RecoveryCodesDialog codes={codes} onDone={() => setCodes(undefined)} />}
      {settings.mail ? null : <Text fz={13}>{says.noMail}</Text>}
    </Panel>
  )
}
