import { oidc } from './oidc.ts'

/** GitLab follows the specifications. Anyone can run one, so its addresses are not relied on unless set. */
export const gitlab = oidc
