import { Button, Text } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import {
  DeleteServiceAccountDocument,
  ServiceAccountListDocument,
  type ServiceFactsFragment,
} from '../generated/graphql.ts'
import { PlusIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { useRecentSignIn } from '../parts/confirm-identity.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Frame } from '../parts/frame.tsx'
import { Notice } from '../parts/notice.tsx'
import { Answer, Empty } from '../parts/panel.tsx'
import { useQuery } from '../use-query.ts'
import { PageHead } from './page-head.tsx'
import { ServiceDialog } from './service-dialog.tsx'
import { ServiceRow } from './service-row.tsx'
import { RotateDialog, ServiceSecret } from './service-secret.tsx'

export type ServiceAccount = ServiceFactsFragment
/** A service account with a secret, which the server cannot show again. */
export type NewSecret = { service: ServiceAccount; secret: string }
export type ServiceAsking = { what: 'change' | 'rotate' | 'delete'; service: ServiceAccount }

/** The programs that authenticate as themselves. */
export function Services() {
  const { services: says } = useText()
  const { client } = useAuth()
  const query = useQuery(
    'services',
    async () => (await client.request(ServiceAccountListDocument)).serviceAccounts,
  )
  const { withRecentSignIn, dialog } = useRecentSignIn()
  const [asking, setAsking] = useState<{ what: 'create' } | ServiceAsking>()
  const [made, setMade] = useState<NewSecret>()
  const [done, setDone] = useState<string>()
  const open = (next: typeof asking) => {
    setDone(undefined)
    setAsking(next)
  }
  const close = () => setAsking(undefined)
  const finish = (result: { told?: string; made?: NewSecret | undefined }) => {
    close()
    setMade(result.made)
    setDone(result.told)
    void query.reload()
  }
  return (
    <Frame>
      <PageHead title={says.title} lead={says.lead}>
        <Button leftSection={<PlusIcon size={16} />} onClick={() => open({ what: 'create' })}>
          {says.create}
        </Button>
      </PageHead>
      <Notice kind="success">{done}</Notice>
      <div className="panel list">
        <Answer query={query}>
          {services =>
            services.length === 0 ? (
              <Empty title={says.empty} lead={says.emptyLead} />
            ) : (
              <ul className="rows">
                {services.map(service => (
                  <ServiceRow key={service.id} service={service} ask={open} />
                ))}
              </ul>
            )
          }
        </Answer>
      </div>
      {asking?.what === 'create' && (
        <ServiceDialog withRecentSignIn={withRecentSignIn} onClose={close} onDone={finish} />
      )}
      {asking?.what === 'change' && (
        <ServiceDialog
          service={asking.service}
          withRecentSignIn={withRecentSignIn}
          onClose={close}
          onDone={finish}
        />
      )}
      {asking?.what === 'rotate' && (
        <RotateDialog
          service={asking.service}
          withRecentSignIn={withRecentSignIn}
          onClose={close}
          onDone={finish}
        />
      )}
      {asking?.what === 'delete' && <DeleteDialog service={asking.service} onClose={close} onDone={finish} />}
      {made && <ServiceSecret made={made} onDone={() => setMade(undefined)} />}
      {dialog}
    </Frame>
  )
}

type DeleteDialogProps = {
  service: ServiceAccount
  onClose: () => void
  onDone: (result: { told: string }) => void
}

function DeleteDialog({ service, onClose, onDone }: DeleteDialogProps) {
  const { services: says } = useText()
  const { client } = useAuth()
  const form = useForm(
    async () => {
      await client.request(DeleteServiceAccountDocument, { id: service.id })
      onDone({ told: says.deleted(service.name) })
    },
    { inputs: [] },
  )
  return (
    <Dialog title={says.deleteTitle(service.name)} onClose={onClose} form={form} action={says.delete} danger>
      <Text fz={14}>{says.deleteLead}</Text>
    </Dialog>
  )
}
