import { Anchor, Button, Checkbox, Group, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { AuthMethod, SecondFactor } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { KeyIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { CardPage } from '../parts/card-page.tsx'
import { CodeField } from '../parts/code-field.tsx'
import { Notice } from '../parts/notice.tsx'
import { loadPasskeys } from '../passkeys.ts'
import { endPendingSignIn } from '../pending-sign-in.ts'
import { RecoverFactors } from './recover-factors.tsx'

type SecondMethod = 'PASSKEY' | 'SECURITY_KEY' | 'TOTP' | 'RECOVERY_CODE'

/** Asks for a second factor after the password or the emailed code. */
export function SecondStep({ pending }: { pending: SecondFactor }) {
  const { factors, recoverFactors } = useText()
  const methods = pending.methods.filter(isSecond)
  const [method, setMethod] = useState<SecondMethod | undefined>(methods[0])
  const [lost, setLost] = useState(false)
  const { factorRecoveryWaitSeconds: waitSeconds } = settings
  if (lost && waitSeconds !== null) {
    const onCancel = () => setLost(false)
    return <RecoverFactors ticket={pending.ticket} waitSeconds={waitSeconds} onCancel={onCancel} />
  }
  const ways = (
    <Group gap="sm" justify="center">
      {waitSeconds !== null && (
        <Anchor component="button" type="button" fz={14} onClick={() => setLost(true)}>
          {recoverFactors.link}
        </Anchor>
      )}
      <StartOver />
    </Group>
  )
  if (!method) {
    return (
      <CardPage title={factors.stepTitle} lead={factors.noMethod}>
        {ways}
      </CardPage>
    )
  }
  const others = methods.filter(other => other !== method)
  return (
    <CardPage title={factors.stepTitle} lead={factors.ask[method]} icon={<KeyIcon size={22} />}>
      <MethodForm key={method} method={method} pending={pending} />
      {others.length > 0 && (
        <Group gap="sm" justify="center">
          {others.map(other => (
            <Anchor component="button" type="button" key={other} fz={14} onClick={() => setMethod(other)}>
              {factors.use[other]}
            </Anchor>
          ))}
        </Group>
      )}
      {ways}
    </CardPage>
  )
}

function MethodForm({ method, pending }: { method: SecondMethod; pending: SecondFactor }) {
  const { factors } = useText()
  const { client } = useAuth()
  const checks = useChecks()
  const { ticket, canTrustDevice } = pending
  const isKey = method === 'PASSKEY' || method === 'SECURITY_KEY'
  const form = useForm(
    async values => {
      const trustDevice = values('trust') === 'on'
      if (isKey) {
        const passkeys = await loadPasskeys()
        await passkeys.completeLoginWithPasskey(client, pending, { trustDevice })
      } else {
        const code = values('code')
        const proof = method === 'TOTP' ? { totpCode: code } : { recoveryCode: code }
        await client.completeLogin({ ticket, proof, trustDevice })
      }
      endPendingSignIn()
    },
    {
      inputs: ['code'],
      inputOf: { CODE_INVALID: 'code' },
      words:
        method === 'TOTP'
          ? { CODE_INVALID: factors.wrongAppCode }
          : { CODE_INVALID: factors.wrongRecoveryCode },
      check: values => ({ code: isKey ? undefined : checks.required(values('code')) }),
    },
  )
  return (
    <form onSubmit={form.onSubmit} noValidate className="stack">
      <Notice kind="problem">{form.problem}</Notice>
      {method === 'TOTP' && <CodeField error={form.error('code')} autoFocus />}
      {method === 'RECOVERY_CODE' && (
        <TextInput
          name="code"
          label={factors.recoveryCode}
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          autoFocus
          required
          withAsterisk={false}
          error={form.error('code')}
          size="md"
        />
      )}
      {canTrustDevice && (
        <Checkbox name="trust" label={factors.trust(settings.trustedDeviceDays)} size="sm" />
      )}
      <Button type="submit" size="md" fullWidth loading={form.busy} autoFocus={isKey}>
        {factors.continueWith[method]}
      </Button>
    </form>
  )
}

function StartOver() {
  const { factors } = useText()
  return (
    <Anchor component="button" type="button" fz={14} onClick={endPendingSignIn}>
      {factors.startOver}
    </Anchor>
  )
}

function isSecond(method: AuthMethod): method is SecondMethod {
  return method !== 'PASSWORD' && method !== 'EMAIL' && method !== 'PROVIDER'
}
