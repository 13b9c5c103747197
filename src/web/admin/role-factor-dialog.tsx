import { Anchor, Radio, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { SetRoleSecondFactorDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { useRecentSignIn } from '../parts/confirm-identity.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Notice } from '../parts/notice.tsx'
import { useTimes } from '../times.ts'
import type { Role } from './role-choice.tsx'

type Choice = 'none' | 'now' | 'date'

export type RoleFactorDialogProps = { role: Role; onClose: () => void; onDone: (told: string) => void }

/** Sets from when a role requires a second factor, or that it no longer does. */
export function RoleFactorDialog({ role, onClose, onDone }: RoleFactorDialogProps) {
  const { roles, common, checks } = useText()
  const says = roles.factor
  const times = useTimes()
  const { client } = useAuth()
  const { withRecentSignIn, dialog } = useRecentSignIn()
  const [choice, setChoice] = useState(choiceOf(role))
  const current = role.secondFactorRequiredFrom
  const form = useForm(
    async values => {
      const requiredFrom = timeOf(choice, values('day'), role)
      await withRecentSignIn(() =>
        client.request(SetRoleSecondFactorDocument, { name: role.name, requiredFrom }),
      )
      if (!requiredFrom) onDone(says.removed(role.name))
      else if (choice === 'now') onDone(says.saved(role.name))
      else onDone(says.savedFrom(role.name, times.day(requiredFrom)))
    },
    {
      inputs: ['day'],
      check: values => ({ day: choice === 'date' ? dayProblem(values('day'), checks.required) : undefined }),
    },
  )

  function dayProblem(day: string, required: string): string | undefined {
    if (day === '') return required
    return startOf(day) > new Date() ? undefined : says.notLater
  }

  const isLockout = form.refusal?.code === 'CONFLICT'
  return (
    <>
      <Dialog
        title={says.of(role.name)}
        onClose={onClose}
        form={isLockout ? { ...form, problem: undefined } : form}
        action={common.save}
      >
        <Radio.Group
          label={says.lead}
          labelProps={{ fw: 400 }}
          value={choice}
          onChange={value => setChoice(value as Choice)}
        >
          <Stack gap={12} mt={12}>
            <Radio value="none" label={says.none} data-autofocus={choice === 'none' || undefined} />
            <Radio
              value="now"
              label={says.now}
              description={says.nowHint}
              data-autofocus={choice === 'now' || undefined}
            />
            <Radio
              value="date"
              label={says.date}
              description={says.dateHint}
              data-autofocus={choice === 'date' || undefined}
            />
          </Stack>
        </Radio.Group>
        {choice === 'date' && (
          <TextInput
            name="day"
            type="date"
            label={says.day}
            description={says.dayHint(times.zone)}
            defaultValue={current ? dayOf(new Date(current)) : ''}
            error={form.error('day')}
          />
        )}
        <Notice kind="problem">
          {isLockout && (
            <>
              {says.ownMissing}{' '}
              <Anchor component={Link} href="/account/security" fz="inherit" underline="always">
                {says.ownSecurity}
              </Anchor>
            </>
          )}
        </Notice>
      </Dialog>
      {dialog}
    </>
  )
}

function choiceOf({ secondFactorRequiredFrom: from }: Role): Choice {
  if (!from) return 'none'
  return new Date(from) <= new Date() ? 'now' : 'date'
}

/** What to send. A requirement that is kept as it is keeps its time, which the command line may have set exactly. */
function timeOf(choice: Choice, day: string, role: Role): string | null {
  const current = role.secondFactorRequiredFrom
  if (choice === 'none') return null
  if (choice === 'now') return current && choiceOf(role) === 'now' ? current : new Date().toISOString()
  return current && dayOf(new Date(current)) === day ? current : startOf(day).toISOString()
}

/** The start of a day, such as 2027-03-01, in the visitor's zone. */
function startOf(day: string): Date {
  return new Date(`${day}T00:00:00`)
}

/** The day in the visitor's zone, as an input of type `date` has it. */
function dayOf(at: Date): string {
  const two = (part: number) => String(part).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}
