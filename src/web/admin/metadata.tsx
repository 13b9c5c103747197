import { Button, Text, Textarea } from '@mantine/core'
import { useRef, useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { UpdateUserDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { ConflictNotice } from './conflict-notice.tsx'
import { saveGuarded, useBase } from './guarded-save.ts'
import type { ManagedPanelProps, UserPanelProps } from './user-details.ts'

const NAMES = ['publicMetadata', 'privateMetadata'] as const
const LINES_MAX = 16

/** The data that applications store with an account, as JSON. */
export function Metadata({ user, manage, reload }: ManagedPanelProps) {
  const { metadata: says } = useText()
  return (
    <Panel title={says.title} lead={says.lead}>
      {manage ? (
        <MetadataForm user={user} reload={reload} />
      ) : (
        NAMES.map(name => (
          <div key={name}>
            <Text fz={14} fw={550}>
              {says[name]}
            </Text>
            <Text fz={13} className="mono">
              {written(user[name])}
            </Text>
          </div>
        ))
      )}
    </Panel>
  )
}

function MetadataForm({ user, reload }: UserPanelProps) {
  const { metadata: says, common } = useText()
  const { client } = useAuth()
  const element = useRef<HTMLFormElement>(null)
  const [saved, setSaved] = useState(false)
  const base = useBase(user, values => {
    const data = element.current && new FormData(element.current)
    return NAMES.some(name => data && String(data.get(name) ?? '') !== written(values[name]))
  })
  const form = useForm(
    values =>
      base.guard(async () => {
        setSaved(false)
        const changed = NAMES.filter(name => values(name) !== written(base.values[name]))
        const input = Object.fromEntries(changed.map(name => [name, objectIn(values(name))]))
        if (changed.length > 0) {
          const { updateUser } = await saveGuarded(base.values, changed, expectedUpdatedAt =>
            client.request(UpdateUserDocument, { id: user.id, input, expectedUpdatedAt }),
          )
          base.refill(updateUser)
        }
        setSaved(true)
        await reload()
      }),
    {
      inputs: [...NAMES],
      check: values =>
        Object.fromEntries(NAMES.map(name => [name, objectIn(values(name)) ? undefined : says.noObject])),
    },
  )
  return (
    <form ref={element} onSubmit={form.onSubmit} noValidate className="stack" style={{ maxWidth: 'none' }}>
      <div className="two">
        {NAMES.map(name => (
          <Textarea
            // A new fill shows the saved text.
            key={`${name} ${base.fill}`}
            name={name}
            label={says[name]}
            description={says.of[name]}
            defaultValue={written(base.values[name])}
            rows={Math.min(LINES_MAX, written(base.values[name]).split('\n').length + 2)}
            autoComplete="off"
            spellCheck={false}
            error={form.error(name)}
            classNames={{ input: 'code-input' }}
          />
        ))}
      </div>
      <Notice kind="problem">{form.problem}</Notice>
      <ConflictNotice base={base} />
      <Notice kind="success">{saved && !form.problem && !base.conflict && common.saved}</Notice>
      <Button type="submit" variant="default" loading={form.busy} style={{ alignSelf: 'flex-start' }}>
        {common.save}
      </Button>
    </form>
  )
}

function written(value: unknown): string {
  return JSON.stringify(value, null, 2)
}

/** The JSON object in a text; undefined if it is none. */
function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
