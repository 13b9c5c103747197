import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useFallbackFocus, useForm } from '../forms.ts'
import { DeleteUserApiKeyDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { ApiKeyRow } from '../parts/api-key-row.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { RowAction } from '../parts/row-action.tsx'
import type { ManagedPanelProps } from './user-details.ts'

/** The API keys of an account. Deletes those that leaked. */
export function UserApiKeys({ user, reload, manage }: ManagedPanelProps) {
  const { apiKeys: says } = useText()
  const { client } = useAuth()
  const [done, setDone] = useState<string>()
  const form = useForm(
    async values => {
      setDone(undefined)
      await client.request(DeleteUserApiKeyDocument, { id: user.id, apiKeyId: values('id') })
      await reload()
      setDone(says.deleted(values('name')))
    },
    { inputs: [] },
  )
  const place = useFallbackFocus<HTMLDivElement>(form.busy)
  if (user.apiKeys.length === 0 && done === undefined) return null
  return (
    <Panel
      title={says.title}
      lead={user.apiKeys.length === 0 ? says.noneLeft : says.ofUser}
      list={
        user.apiKeys.length > 0 && (
          <ul className="rows">
            {user.apiKeys.map(key => (
              <ApiKeyRow
                key={key.id}
                apiKey={key}
                action={
                  manage && (
                    <RowAction
                      form={form}
                      values={{ id: key.id, name: key.name }}
                      label={says.deleteOf(key.name)}
                    >
                      {says.delete}
                    </RowAction>
                  )
                }
              />
            ))}
          </ul>
        )
      }
    >
      {(form.problem || done) && (
        <div ref={place} tabIndex={-1} className="notices">
          <Notice kind="problem">{form.problem}</Notice>
          <Notice kind="success">{!form.problem && done}</Notice>
        </div>
      )}
    </Panel>
  )
}
