export {
  createServerAuth,
  type ServerAuth,
  type ServerAuthOptions,
  type ServerSession,
  type SsrRequest,
} from './server-auth.ts'
export { expressAuth } from './server-express.ts'
