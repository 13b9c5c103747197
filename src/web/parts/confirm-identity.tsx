import { Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { AuthError } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { Dialog } from './dialog.tsx'
import { AccountName, PasswordField } from './fields.tsx'

/** Was asked to prove the password again, and did not. */
export class NotProved extends Error {}

type Asking = { proved: () => void; given: () => void }

/**
 * Runs what wants a fresh sign-in: where the server asks for the password, a dialog does, and what was asked
 * for is done. Show `dialog` somewhere.
 * @returns `fresh` rejects with NotProved where the visitor closes the dialog
 */
export function useFresh(): {
  fresh: <Result>(run: () => Promise<Result>) => Promise<Result>
  dialog: ReactNode
} {
  const [asking, setAsking] = useState<Asking>()
  const proof = () =>
    new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => () => {
        setAsking(undefined)
        settle()
      }
      setAsking({ proved: end(resolve), given: end(() => reject(new NotProved())) })
    })
  return {
    fresh: async run => {
      try {
        return await run()
      } catch (error) {
        if (!(error instanceof AuthError) || error.code !== 'REAUTHENTICATION_REQUIRED') throw error
        await proof()
        return run()
      }
    },
    dialog: asking && <FreshDialog {...asking} />,
  }
}

function FreshDialog({ proved, given }: Asking) {
  const { fresh, checks, failures } = useText()
  const { client, user } = useAuth()
  const form = useForm(
    async values => {
      await client.reauthenticate(values('password'))
      proved()
    },
    {
      inputs: ['password'],
      check: values => ({ password: values('password') === '' ? checks.required : undefined }),
      words: { INVALID_CREDENTIALS: failures.wrongPassword },
    },
  )
  return (
    <Dialog title={fresh.title} onClose={given} form={form} action={fresh.action}>
      <Text fz={14}>{fresh.lead}</Text>
      {user && <AccountName email={user.email} />}
      <PasswordField name="password" error={form.error('password')} data-autofocus />
    </Dialog>
  )
}
