import type { UserPageQuery } from '../generated/graphql.ts'

/** The account that an administrator looks at. */
export type UserDetails = NonNullable<UserPageQuery['user']>

/** `reload` queries the account again after a change. */
export type UserPanelProps = { user: UserDetails; reload: () => Promise<void> }

/** `manage`: whether the viewer may change accounts. */
export type ManagedPanelProps = UserPanelProps & { manage: boolean }
