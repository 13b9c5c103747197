import { useEffect, useRef, useState } from 'react'
import { AuthError } from '../../client/index.ts'
import type { EditableFieldsFragment } from '../generated/graphql.ts'

/** What administrators edit, with the time that guards it. */
export type Editable = EditableFieldsFragment
export type FieldName = Exclude<keyof Editable, 'updatedAt'>

/** Someone else changed fields that were to be saved. */
export class ChangedMeanwhile extends Error {
  readonly current: Editable
  readonly names: FieldName[]

  constructor(current: Editable, names: FieldName[]) {
    super('The account has changed.')
    this.current = current
    this.names = names
  }
}

/** Each attempt loses only to a change that someone made since the attempt before. */
const ATTEMPTS_MAX = 5

/**
 * Saves the fields `names` if no one has changed them since `base` was read. Changes of other fields are no conflict.
 * @throws ChangedMeanwhile
 */
export async function saveGuarded<Result>(
  base: Editable,
  names: FieldName[],
  save: (expectedUpdatedAt: string) => Promise<Result>,
): Promise<Result> {
  let expected = base.updatedAt
  for (let attempt = 1; ; attempt++) {
    try {
      return await save(expected)
    } catch (error) {
      const current = error instanceof AuthError ? (error.current as Editable | undefined) : undefined
      if (!current || attempt === ATTEMPTS_MAX) throw error
      const changed = names.filter(name => !isSame(base[name], current[name]))
      if (changed.length > 0) throw new ChangedMeanwhile(current, changed)
      expected = current.updatedAt
    }
  }
}

const EDITABLE: (keyof Editable)[] = [
  'updatedAt',
  'email',
  'emailVerified',
  'username',
  'displayName',
  'locale',
  'roles',
  'publicMetadata',
  'privateMetadata',
]

/** Only what administrators edit of an account. */
function editableOf(user: Editable): Editable {
  return Object.fromEntries(EDITABLE.map(name => [name, user[name]])) as Editable
}

export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

export type Base = {
  /** What the form was filled from, or what was last shown as the current values. */
  values: Editable
  /** Increases whenever the form is to be filled again. Use it as a key. */
  fill: number
  conflict: ChangedMeanwhile | undefined
  /** Fills the form with these values. */
  refill: (values: Editable) => void
  /** Runs a save. A conflict is shown instead of thrown; what was typed stays. */
  guard: (save: () => Promise<void>) => Promise<void>
}

/** The values that a form of an account started from. `isEdited` tells whether newer values must not replace them. */
export function useBase(user: Editable, isEdited: (base: Editable) => boolean): Base {
  const [{ values, fill }, setBase] = useState({ values: editableOf(user), fill: 0 })
  const [conflict, setConflict] = useState<ChangedMeanwhile>()
  const refill = (next: Editable) => {
    setConflict(undefined)
    setBase(base => ({ values: editableOf(next), fill: base.fill + 1 }))
  }
  const latest = useRef({ values, isEdited, refill })
  latest.current = { values, isEdited, refill }
  useEffect(() => {
    const now = latest.current
    if (!isSame(editableOf(user), now.values) && !now.isEdited(now.values)) now.refill(user)
  }, [user])
  return {
    values,
    fill,
    conflict,
    refill,
    guard: async save => {
      setConflict(undefined)
      try {
        await save()
      } catch (error) {
        if (!(error instanceof ChangedMeanwhile)) throw error
        setConflict(error)
        // The next save replaces what is shown now.
        setBase(base => ({ ...base, values: error.current }))
      }
    },
  }
}
