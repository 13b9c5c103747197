import type { Config } from '../config.ts'
import { basePathOf } from '../page-addresses.ts'

/** The element of index.html that receives the settings. */
const SETTINGS = '<script type="application/json" id="facts"></script>'
const ROOT = '<div id="root"></div>'

/** The settings that the pages need before their first query. src/web/page-settings.ts has their type. */
export function pageSettings(config: Config) {
  return {
    basePath: basePathOf(config.publicUrl),
    appName: config.appName,
    logoUrl: config.web.logoUrl ?? null,
    color: config.web.color,
    links: {
      terms: config.links.terms ?? null,
      privacy: config.links.privacy ?? null,
      support: config.links.support ?? null,
    },
    returnOrigins: config.web.returnOrigins,
    locales: config.locales,
    registrationOpen: config.registrationOpen,
    emailVerification: config.emailVerification,
    mail: config.mail.enabled,
    passwordMinLength: config.passwords.minLength,
    passwordMaxLength: config.passwords.maxLength,
    passkeys: config.passkeys.enabled,
    totp: config.totp,
    emailLogin: config.emailLogin,
    providers: config.providers.map(({ id, type, name }) => ({ id, type, name })),
    trustedDeviceDays: Math.floor((config.trustedDeviceTtlSeconds ?? 0) / 86_400),
    factorRecoveryWaitSeconds: config.factorRecoveryWaitSeconds,
    apiKeys: config.apiKeysMax > 0,
    sandbox: config.sandbox,
    cookiePrefix: config.cookiePrefix,
    keyOrigin: keyOriginOf(config),
  }
}

/**
 * Pages of other origins share the cookie of the session, and not the key: with them, sessions are bound only if they have to
 * be. Proofs are for the address in PUBLIC_URL.
 */
function keyOriginOf({ dpop, corsOrigins, requireBoundSessions, publicUrl }: Config): string | null {
  const isShared = corsOrigins.length > 0 && !requireBoundSessions
  return dpop === 'off' || isShared ? null : new URL(publicUrl).origin
}

/** Lets a built page load its files, which the build names relatively, from under the path of PUBLIC_URL. */
export function withBasePath(html: string, basePath: string): string {
  return html.replaceAll(
    /(?<=(?:src|href)=")(?:\.?\/)(?=(?:assets\/|start\.js|icon\.svg))/g,
    () => `${basePath}/`,
  )
}

/** Puts the settings into the page, so that it needs no request before it shows anything. */
export function withSettings(index: string, settings: ReturnType<typeof pageSettings>): string {
  // No setting can close the script element or the title.
  const json = JSON.stringify(settings).replaceAll('<', '\\u003c')
  const title = settings.appName.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  // Functions, because `replace` treats `$&` in a string as a pattern.
  return index
    .replace(/(?<=<title>)[^<]*/, () => title)
    .replace(SETTINGS, () => SETTINGS.replace('></', () => `>${json}</`))
}

/** Adds elements to the head. */
export function withHead(html: string, elements: string): string {
  return html.replace('</head>', () => `${elements}</head>`)
}

/** Puts what the server rendered in a language into the page. */
export function withContent(html: string, language: string, content: string): string {
  return html
    .replace(/<html lang="[^"]*">/, () => `<html lang="${language}">`)
    .replace(ROOT, () => ROOT.replace('></', () => `>${content}</`))
}

/** Adds what the server rendered in each language as templates, for a script that knows what is missing in them. */
export function withTemplates(html: string, languages: Record<string, string>): string {
  const templates = Object.entries(languages).map(
    ([tag, content]) => `<template data-early="${tag}">${content}</template>`,
  )
  return html.replace(ROOT, () => ROOT + templates.join(''))
}
