export {
  type AuthClient,
  type AuthClientOptions,
  createAuthClient,
  type RequestOptions,
  type TypedDocument,
} from './client.ts'
export { AuthError, type ErrorCode, NetworkError } from './errors.ts'
export { type DeviceStorage, localStorageStorage, memoryStorage, type TokenStorage } from './storage.ts'
export type { Locks } from './turns.ts'
export type * from './types.ts'
