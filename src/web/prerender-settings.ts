import { workerData } from 'node:worker_threads'

// Before page-settings.ts, which otherwise reads them from the page.
globalThis.authographSettings = workerData
