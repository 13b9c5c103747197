import { Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { FailedMailsDocument, type FailedMailsQuery, RetryMailDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Frame } from '../parts/frame.tsx'
import { Moment } from '../parts/moment.tsx'
import { Notice } from '../parts/notice.tsx'
import { RowAction } from '../parts/row-action.tsx'
import { useQuery } from '../use-query.ts'
import { ListPanel } from './list-panel.tsx'
import { useListState } from './list-state.ts'
import { ListTable } from './list-table.tsx'
import { PageHead } from './page-head.tsx'

type FailedMail = FailedMailsQuery['failedMails']['nodes'][number]

/** Emails that failed and are no longer retried. */
export function FailedEmails() {
  const { mails: says } = useText()
  const { client, user } = useAuth()
  const state = useListState()
  const [sent, setSent] = useState<string>()
  const query = useQuery(
    state.key,
    async () => (await client.request(FailedMailsDocument, state.page)).failedMails,
  )
  const form = useForm(
    async values => {
      setSent(undefined)
      await client.request(RetryMailDocument, { id: values('id') })
      setSent(values('recipient'))
      await query.reload()
    },
    { inputs: [] },
  )
  const again = (mail: FailedMail) => (
    <RowAction
      form={form}
      values={{ id: mail.id, recipient: mail.recipient }}
      label={says.retryOf(mail.recipient)}
    >
      {says.retry}
    </RowAction>
  )
  return (
    <Frame>
      <PageHead title={says.title} lead={says.lead} />
      <Notice kind="problem">{form.problem}</Notice>
      <Notice kind="mail">{!form.problem && sent && says.sent(sent)}</Notice>
      <ListPanel query={query} state={state} empty={{ title: says.empty, lead: says.emptyLead }}>
        {emails => (
          <EmailTable
            emails={emails}
            action={user?.permissions.includes('users:write') ? again : undefined}
          />
        )}
      </ListPanel>
    </Frame>
  )
}

type EmailTableProps = { emails: FailedMail[]; action: ((mail: FailedMail) => ReactNode) | undefined }

function EmailTable({ emails, action }: EmailTableProps) {
  const { mails: says } = useText()
  const isLate = ({ expiresAt }: FailedMail) => expiresAt !== null && new Date(expiresAt) <= new Date()
  return (
    <ListTable style={{ verticalAlign: 'top' }}>
      <thead>
        <tr>
          <th scope="col">{says.mail}</th>
          <th scope="col" className="mantine-visible-from-sm">
            {says.written}
          </th>
          <th scope="col" className="mantine-visible-from-md">
            {says.why}
          </th>
          {action && <th scope="col">{says.again}</th>}
        </tr>
      </thead>
      <tbody>
        {emails.map(mail => (
          <tr key={mail.id}>
            <td>
              <Text fz={14} fw={550}>
                {(says.templates as Partial<Record<string, string>>)[mail.template] ?? mail.template}
              </Text>
              <Text fz={13} c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                {mail.recipient}
              </Text>
              <Text fz={12} c="dimmed" className="mono" hiddenFrom="md">
                {mail.lastError}
              </Text>
            </td>
            <td className="mantine-visible-from-sm" style={{ whiteSpace: 'nowrap' }}>
              <Moment at={mail.createdAt} />
            </td>
            <td className="mantine-visible-from-md">
              <Text fz={12} className="mono">
                {mail.lastError}
              </Text>
              <Text fz={13} c="dimmed">
                {says.attempts(mail.attempts)}
              </Text>
            </td>
            {action && (
              <td>
                {isLate(mail) ? (
                  <Text fz={13} c="dimmed">
                    {says.late}
                  </Text>
                ) : (
                  action(mail)
                )}
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </ListTable>
  )
}
