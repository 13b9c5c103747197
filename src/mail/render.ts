import { readableOn, textOn } from '../colors.ts'
import { pageUrl } from '../page-addresses.ts'
import type { WholeMail } from './options.ts'
import type { Filled, MailData, MailLanguage, MailTemplate, MailText } from './texts.ts'

/** The sender's name, public URL, looks and own pages, and the language to write in. */
export type RenderOptions = {
  appName: string
  url: string
  brand: Brand
  links: { [Name in keyof MailLanguage['links']]: string | undefined }
  tag: string
  language: MailLanguage<WholeMail>
}

/** `color` is #rrggbb. */
export type Brand = { color: string; logoUrl: string | undefined }

/**
 * An email as plain text and as HTML with the same content. The HTML is a table with inline styles, which all
 * programs for email can show; the only image is the logo, if the brand has one. Its fixed layout keeps long addresses
 * from widening it beyond a narrow screen. All filled-in values are escaped. A template of the embedding program can write
 * the whole email itself.
 */
export function renderMail<Template extends MailTemplate>(
  template: Template,
  data: MailData[Template],
  { appName, url, brand, links, tag, language }: RenderOptions,
): WholeMail {
  const time = 'at' in data ? writeTime(data.at, tag) : ''
  const readyTime = 'readyAt' in data ? writeTime(data.readyAt, tag) : ''
  const origin = 'ipAddress' in data ? language.origin({ ...data, time }).join('\n') : ''
  const fill = language.templates[template] as (filled: Filled<Template>) => MailText | WholeMail
  const forgotPasswordUrl = pageUrl(url, 'forgot-password')
  const written = fill({
    ...data,
    appName,
    forgotPasswordUrl,
    time,
    readyTime,
    origin,
  })
  if ('html' in written) return written
  const { subject, paragraphs, code, action, after = [] } = written
  const link = 'link' in data ? data.link : undefined
  const footer = language.footer({ appName, url })
  const pages = (['terms', 'privacy', 'support'] as const).flatMap(page => {
    const address = links[page]
    return address ? [{ name: language.links[page], url: address }] : []
  })
  const button = action && link ? { action, link, hint: language.linkHint } : undefined
  return {
    subject,
    text: toText({ paragraphs, code, button, after, footer, pages }),
    html: toHtml({ subject, tag, appName, brand, paragraphs, code, button, after, footer, pages }),
  }
}

type Parts = {
  paragraphs: string[]
  code: string | undefined
  button: { action: string; link: string; hint: string } | undefined
  after: string[]
  footer: string
  pages: { name: string; url: string }[]
}

/** In UTC, because the reader's time zone is unknown. */
function writeTime(at: string, tag: string): string {
  return new Intl.DateTimeFormat(tag, {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
    timeZone: 'UTC',
  }).format(new Date(at))
}

function toText({ paragraphs: [first = '', ...rest], code, button, after, footer, pages }: Parts): string {
  const shown = code ? [code] : []
  const action = button ? [`${button.action}:\n${button.link}`] : []
  const last = ['-- ', footer, ...pages.map(({ name, url }) => `${name}: ${url}`)].join('\n')
  return `${[first, ...shown, ...rest, ...action, ...after, last].join('\n\n')}\n`
}

const FONT = "font-family:-apple-system,'Segoe UI',Roboto,'Apple SD Gothic Neo','Malgun Gothic',sans-serif"
const CARD = '#ffffff'
const HEADER = `margin:0 0 20px;overflow-wrap:break-word;${FONT};font-size:17px;line-height:1.6;font-weight:600;color:#1f2430`
const BODY = `margin:0 0 16px;overflow-wrap:break-word;${FONT};font-size:16px;line-height:1.6;color:#1f2430`
const CODE =
  'margin:0 0 16px;font-family:ui-monospace,Menlo,Consolas,monospace;font-size:32px;line-height:1.4;font-weight:600;letter-spacing:6px;color:#1f2430'
const SMALL = `margin:0 0 8px;overflow-wrap:break-word;${FONT};font-size:13px;line-height:1.6;color:#5b6474`

type HtmlParts = Parts & { subject: string; tag: string; appName: string; brand: Brand }

function toHtml({ subject, tag, appName, brand, code, button, after, footer, ...parts }: HtmlParts) {
  const {
    paragraphs: [first = '', ...rest],
    pages,
  } = parts
  const body = (text: string) => `<p style="${BODY}">${escapeHtml(text).replaceAll('\n', '<br>')}</p>`
  const small = (text: string) => `<p style="${SMALL}">${escapeHtml(text)}</p>`
  const link = (url: string, text: string) =>
    `<a href="${escapeHtml(url)}" style="color:${readableOn(CARD, brand.color)}">${escapeHtml(text)}</a>`
  const action = button
    ? [
        `<p style="margin:24px 0"><a href="${escapeHtml(button.link)}" style="display:inline-block;padding:12px 24px;border-radius:6px;background:${brand.color};color:${textOn(brand.color)};${FONT};font-size:16px;text-decoration:none">${escapeHtml(button.action)}</a></p>`,
        small(button.hint),
        `<p style="${SMALL};word-break:break-all">${link(button.link, button.link)}</p>`,
      ]
    : []
  const ownPages = pages.map(({ name, url }) => link(url, name)).join(' · ')
  return [
    '<!doctype html>',
    `<html lang="${escapeHtml(tag)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(subject)}</title></head>`,
    '<body style="margin:0;padding:0;background:#f4f5f7">',
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="table-layout:fixed;background:#f4f5f7"><tr><td align="center" style="padding:24px 12px">',
    `<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="table-layout:fixed;max-width:560px;background:${CARD};border-top:4px solid ${brand.color};border-radius:8px"><tr><td style="padding:28px 32px 32px">`,
    `<p style="${HEADER}">${logo(brand)}${escapeHtml(appName)}</p>`,
    body(first),
    ...(code ? [`<p style="${CODE}">${escapeHtml(code)}</p>`] : []),
    ...rest.map(body),
    ...action,
    ...after.map(small),
    `<p style="${SMALL};margin:24px 0 0;border-top:1px solid #e3e6eb;padding-top:16px">${escapeHtml(footer)}</p>`,
    ...(ownPages ? [`<p style="${SMALL};margin:8px 0 0">${ownPages}</p>`] : []),
    '</td></tr></table></td></tr></table></body></html>',
    '',
  ].join('\n')
}

/** Decoration, as the name beside it says the same: many mail programs show images only on request. */
function logo({ logoUrl }: Brand): string {
  if (!logoUrl) return ''
  return `<img src="${escapeHtml(logoUrl)}" alt="" height="28" style="height:28px;max-width:200px;border:0;vertical-align:middle;margin-right:10px">`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
