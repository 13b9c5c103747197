import { Button, Text } from '@mantine/core'
import { useState } from 'react'
import { useLocation } from 'wouter'
import type { User } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { download } from '../download.ts'
import { useForm } from '../forms.ts'
import { ExportAccountDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { useRecentSignIn } from '../parts/confirm-identity.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { type SignInArrival, whileSigningOut } from '../sign-out.ts'

export function OwnData({ user }: { user: User }) {
  return (
    <>
      <Export />
      <Deletion user={user} />
    </>
  )
}

function Export() {
  const { data: says } = useText()
  const { client } = useAuth()
  const { withRecentSignIn, dialog } = useRecentSignIn()
  const [done, setDone] = useState(false)
  const part = async (after: string | undefined) =>
    (await client.request(ExportAccountDocument, { after })).exportAccount
  const form = useForm(
    async () => {
      setDone(false)
      download(
        await completeExport(after => withRecentSignIn(() => part(after))),
        'application/json',
        'account.json',
      )
      setDone(true)
    },
    { inputs: [] },
  )
  return (
    <Panel title={says.exportTitle} lead={says.exportLead}>
      <Notice kind="problem">{form.problem}</Notice>
      <Notice kind="success">{done && says.exported}</Notice>
      <form onSubmit={form.onSubmit}>
        <Button type="submit" variant="default" loading={form.busy}>
          {says.exportAction}
        </Button>
      </form>
      {dialog}
    </Panel>
  )
}

/** All parts of the export as one JSON document. */
async function completeExport(part: (after: string | undefined) => Promise<string>): Promise<string> {
  const first = await part(undefined)
  let { next, ...whole } = JSON.parse(first) as Record<string, unknown> & { next?: string }
  if (next === undefined) return first
  while (next !== undefined) {
    const more = JSON.parse(await part(next)) as typeof whole & { next?: string }
    for (const list of ['sessions', 'mails', 'events']) {
      whole = { ...whole, [list]: [...(whole[list] as unknown[]), ...(more[list] as unknown[])] }
    }
    next = more.next
  }
  return JSON.stringify(whole, null, 2)
}

function Deletion({ user }: { user: User }) {
  const { data: says } = useText()
  const { client } = useAuth()
  const { withRecentSignIn, dialog } = useRecentSignIn()
  const [, navigate] = useLocation()
  const [asking, setAsking] = useState(false)
  const form = useForm(
    async () => {
      await withRecentSignIn(() =>
        whileSigningOut(async () => {
          await client.deleteAccount()
          const state: SignInArrival = { deleted: true }
          navigate('/sign-in', { state })
        }),
      )
    },
    { inputs: [] },
  )
  return (
    <Panel title={says.deleteTitle} lead={says.deleteLead} danger>
      <div>
        <Button color="red" variant="light" onClick={() => setAsking(true)}>
          {says.deleteAction}
        </Button>
      </div>
      {asking && (
        <Dialog
          title={says.deleteTitle}
          onClose={() => setAsking(false)}
          form={form}
          action={says.deleteAction}
          danger
        >
          <Text fz={14}>{says.deleteConfirm(user.email)}</Text>
        </Dialog>
      )}
      {dialog}
    </Panel>
  )
}
