import { Anchor, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import type { AuthMethod, ProofInput, StepUpChallenge } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { Declined } from '../declined.ts'
import { useChecks, useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { loadPasskeys } from '../passkeys.ts'
import { CodeField } from './code-field.tsx'
import { Dialog, DialogFrame } from './dialog.tsx'
import { AccountName, PasswordField } from './fields.tsx'
import { Notice } from './notice.tsx'
import { ProviderProof } from './provider-proof.tsx'

export type WithRecentSignIn = <Result>(
  run: () => Promise<Result>,
  options?: {
    /** Whether it adds a factor. For the first one, the server requires an emailed code as well. */
    addsFactor?: boolean
  },
) => Promise<Result>

type Prompt = { challenge: StepUpChallenge; onConfirmed: () => void; onCancelled: () => void }

/**
 * Runs operations that require a recent sign-in. When the server asks for proofs, a dialog does, and the operation runs
 * again. Render `dialog` anywhere in the page.
 * @returns `withRecentSignIn` rejects with Declined if the identity is not confirmed
 */
export function useRecentSignIn(): { withRecentSignIn: WithRecentSignIn; dialog: ReactNode } {
  const { client } = useAuth()
  const [prompt, setPrompt] = useState<Prompt>()
  const cancel = useRef<() => void>(undefined)
  // Also when the session ends, which hides the page: otherwise the form behind the dialog would stay busy.
  useEffect(() => () => cancel.current?.(), [])
  const confirmation = (challenge: StepUpChallenge) =>
    new Promise<void>((resolve, reject) => {
      const close = (settle: () => void) => () => {
        cancel.current = undefined
        setPrompt(undefined)
        settle()
      }
      cancel.current = close(() => reject(new Declined()))
      setPrompt({ challenge, onConfirmed: close(resolve), onCancelled: cancel.current })
    })
  return {
    withRecentSignIn: (run, { addsFactor = false } = {}) =>
      client.withStepUp(run, challenge =>
        // Only accounts without a factor are asked for the password alone. The code would be asked for next.
        confirmation(addsFactor && settings.mail && challenge.acr === undefined ? FIRST_FACTOR : challenge),
      ),
    dialog: prompt && <IdentityDialog {...prompt} />,
  }
}

const PASSWORD: readonly AuthMethod[] = ['PASSWORD']
/** What the server requires before it adds the first factor of an account with a password. */
const FIRST_FACTOR: StepUpChallenge = { acr: '1fa', maxAgeSeconds: 600, accepts: [['PASSWORD', 'EMAIL']] }

function IdentityDialog(prompt: Prompt) {
  const { fresh, factors } = useText()
  const { accepts } = prompt.challenge
  const ways = accepts.length > 0 ? accepts : [PASSWORD]
  const [way, setWay] = useState(ways[0] ?? PASSWORD)
  const otherWays = ways.length > 1 && (
    <Group gap="sm">
      {ways
        .filter(other => other !== way)
        .map(other => (
          <Anchor component="button" type="button" fz={14} key={other.join()} onClick={() => setWay(other)}>
            {fresh.instead(other.map(method => factors.names[method]))}
          </Anchor>
        ))}
    </Group>
  )
  // A service is another page, from which the visitor comes back to this one. The other proofs of this way come after.
  if (!way.includes('PROVIDER')) return <ProofDialog {...prompt} way={way} otherWays={otherWays} />
  return (
    <DialogFrame title={fresh.title} onClose={prompt.onCancelled}>
      <Stack gap={16}>
        <ProviderProof />
        {otherWays}
      </Stack>
    </DialogFrame>
  )
}

type ProofDialogProps = Prompt & { way: readonly AuthMethod[]; otherWays: ReactNode }

function ProofDialog({ challenge, onConfirmed, onCancelled, way, otherWays }: ProofDialogProps) {
  const { fresh, failures, factors } = useText()
  const { client, user } = useAuth()
  const checks = useChecks()
  const asksFor = (method: AuthMethod) => way.includes(method)
  const form = useForm(
    async values => {
      const proofs = await Promise.all(way.map(method => proofOf(client, method, values)))
      // Accounts with a password alone keep their tokens.
      if (challenge.acr === undefined) await client.reauthenticate(values('password'))
      else await client.stepUp(...proofs)
      onConfirmed()
    },
    {
      inputs: ['password', 'code', 'recoveryCode', 'emailCode'],
      check: values => ({
        password: asksFor('PASSWORD') && values('password') === '' ? checks.required('') : undefined,
        code: asksFor('TOTP') ? checks.required(values('code')) : undefined,
        recoveryCode: asksFor('RECOVERY_CODE') ? checks.required(values('recoveryCode')) : undefined,
        emailCode: asksFor('EMAIL') ? checks.required(values('emailCode')) : undefined,
      }),
      words: { INVALID_CREDENTIALS: failures.wrongPassword },
      inputOf: {
        INVALID_CREDENTIALS: 'password',
        CODE_INVALID: asksFor('TOTP') ? 'code' : asksFor('EMAIL') ? 'emailCode' : 'recoveryCode',
      },
    },
  )
  const isPasswordAlone = way.length === 1 && asksFor('PASSWORD')
  return (
    <Dialog title={fresh.title} onClose={onCancelled} form={form} action={fresh.action}>
      <Text fz={14}>
        {isPasswordAlone ? fresh.lead : fresh.leadWith(way.map(method => factors.names[method]))}
      </Text>
      {user && <AccountName email={user.email} />}
      {asksFor('PASSWORD') && <PasswordField name="password" error={form.error('password')} data-autofocus />}
      {asksFor('TOTP') && <CodeField error={form.error('code')} data-autofocus={!asksFor('PASSWORD')} />}
      {asksFor('RECOVERY_CODE') && (
        <TextInput
          name="recoveryCode"
          label={factors.recoveryCode}
          autoComplete="off"
          spellCheck={false}
          error={form.error('recoveryCode')}
        />
      )}
      {asksFor('EMAIL') && <EmailedCode error={form.error('emailCode')} />}
      {otherWays}
    </Dialog>
  )
}

function EmailedCode({ error }: { error: string | undefined }) {
  const { factors } = useText()
  const { client } = useAuth()
  const [sent, setSent] = useState(false)
  const [failed, setFailed] = useState(false)
  const send = async () => {
    setFailed(false)
    try {
      await client.factors.sendEmailCode()
      setSent(true)
    } catch {
      setFailed(true)
    }
  }
  return (
    <>
      <Notice kind="problem">{failed && factors.mailFailed}</Notice>
      <Notice kind="mail">{sent && factors.mailSent}</Notice>
      <Button variant="default" onClick={() => void send()}>
        {sent ? factors.resendCode : factors.sendCode}
      </Button>
      <CodeField name="emailCode" label={factors.emailCode} error={error} />
    </>
  )
}

async function proofOf(
  client: ReturnType<typeof useAuth>['client'],
  method: AuthMethod,
  values: (name: string) => string,
): Promise<ProofInput> {
  switch (method) {
    case 'PASSWORD':
      return { password: values('password') }
    case 'TOTP':
      return { totpCode: values('code') }
    case 'RECOVERY_CODE':
      return { recoveryCode: values('recoveryCode') }
    case 'EMAIL':
      return { emailCode: values('emailCode') }
    default:
      return (await loadPasskeys()).provePasskey(client)
  }
}
