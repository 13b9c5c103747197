import { Text } from '@mantine/core'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { AuthError } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { Dialog } from './dialog.tsx'
import { AccountName, PasswordField } from './fields.tsx'

/** The visitor closed the dialog, or the session ended while it was open. */
export class ReauthenticationCancelled extends Error {}

type Prompt = { onConfirmed: () => void; onCancelled: () => void }

/**
 * Runs operations that require a recent sign-in. When the server asks for the password, a dialog does, and the operation
 * runs again. Render `dialog` anywhere in the page.
 * @returns `withRecentSignIn` rejects with ReauthenticationCancelled if the password is not confirmed
 */
export function useRecentSignIn(): {
  withRecentSignIn: <Result>(run: () => Promise<Result>) => Promise<Result>
  dialog: ReactNode
} {
  const [prompt, setPrompt] = useState<Prompt>()
  const cancel = useRef<() => void>(undefined)
  // Also when the session ends, which hides the page: otherwise the form behind the dialog would stay busy.
  useEffect(() => () => cancel.current?.(), [])
  const confirmation = () =>
    new Promise<void>((resolve, reject) => {
      const close = (settle: () => void) => () => {
        cancel.current = undefined
        setPrompt(undefined)
        settle()
      }
      cancel.current = close(() => reject(new ReauthenticationCancelled()))
      setPrompt({ onConfirmed: close(resolve), onCancelled: cancel.current })
    })
  return {
    withRecentSignIn: async run => {
      try {
        return await run()
      } catch (error) {
        if (!(error instanceof AuthError) || error.code !== 'REAUTHENTICATION_REQUIRED') throw error
        await confirmation()
        return run()
      }
    },
    dialog: prompt && <ReauthenticationDialog {...prompt} />,
  }
}

function ReauthenticationDialog({ onConfirmed, onCancelled }: Prompt) {
  const { fresh, checks, failures } = useText()
  const { client, user } = useAuth()
  const form = useForm(
    async values => {
      await client.reauthenticate(values('password'))
      onConfirmed()
    },
    {
      inputs: ['password'],
      check: values => ({ password: values('password') === '' ? checks.required : undefined }),
      words: { INVALID_CREDENTIALS: failures.wrongPassword },
      inputOf: { INVALID_CREDENTIALS: 'password' },
    },
  )
  return (
    <Dialog title={fresh.title} onClose={onCancelled} form={form} action={fresh.action}>
      <Text fz={14}>{fresh.lead}</Text>
      {user && <AccountName email={user.email} />}
      <PasswordField name="password" error={form.error('password')} data-autofocus />
    </Dialog>
  )
}
