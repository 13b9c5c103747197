import { pageUrl } from '../page-addresses.ts'
import type { Filled, MailData, MailLanguage, MailTemplate, MailText } from './texts.ts'

export type RenderedMail = { subject: string; text: string; html: string }

/** The sender's name and public URL, and the language to write in. */
export type RenderOptions = { appName: string; url: string; tag: string; language: MailLanguage }

/**
 * An email as plain text and as HTML with the same content. The HTML is a table with inline styles and no images, which
 * every mail program can show. Its fixed layout keeps long addresses from widening it beyond a narrow screen. All
 * filled-in values are escaped.
 */
export function renderMail<Template extends MailTemplate>(
  template: Template,
  data: MailData[Template],
  { appName, url, tag, language }: RenderOptions,
): RenderedMail {
  const time = 'at' in data ? writeTime(data.at, tag) : ''
  const origin = 'ipAddress' in data ? language.origin({ ...data, time }).join('\n') : ''
  const fill = language.templates[template] as (filled: Filled<Template>) => MailText
  const forgotPasswordUrl = pageUrl(url, 'forgot-password')
  const {
    subject,
    paragraphs,
    action,
    after = [],
  } = fill({
    ...data,
    appName,
    forgotPasswordUrl,
    time,
    origin,
  })
  const link = 'link' in data ? data.link : undefined
  const footer = language.footer({ appName, url })
  const button = action && link ? { action, link, hint: language.linkHint } : undefined
  return {
    subject,
    text: toText({ paragraphs, button, after, footer }),
    html: toHtml({ subject, tag, paragraphs, button, after, footer }),
  }
}

type Parts = {
  paragraphs: string[]
  button: { action: string; link: string; hint: string } | undefined
  after: string[]
  footer: string
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

function toText({ paragraphs, button, after, footer }: Parts): string {
  const action = button ? [`${button.action}:\n${button.link}`] : []
  return `${[...paragraphs, ...action, ...after, `-- \n${footer}`].join('\n\n')}\n`
}

const FONT = "font-family:-apple-system,'Segoe UI',Roboto,'Apple SD Gothic Neo','Malgun Gothic',sans-serif"
const BODY = `margin:0 0 16px;overflow-wrap:break-word;${FONT};font-size:16px;line-height:1.6;color:#1f2430`
const SMALL = `margin:0 0 8px;overflow-wrap:break-word;${FONT};font-size:13px;line-height:1.6;color:#5b6474`

function toHtml({
  subject,
  tag,
  paragraphs,
  button,
  after,
  footer,
}: Parts & { subject: string; tag: string }) {
  const body = (text: string) => `<p style="${BODY}">${escapeHtml(text).replaceAll('\n', '<br>')}</p>`
  const small = (text: string) => `<p style="${SMALL}">${escapeHtml(text)}</p>`
  const action = button
    ? [
        `<p style="margin:24px 0"><a href="${escapeHtml(button.link)}" style="display:inline-block;padding:12px 24px;border-radius:6px;background:#2f5bd7;color:#ffffff;${FONT};font-size:16px;text-decoration:none">${escapeHtml(button.action)}</a></p>`,
        small(button.hint),
        `<p style="${SMALL};word-break:break-all"><a href="${escapeHtml(button.link)}" style="color:#2f5bd7">${escapeHtml(button.link)}</a></p>`,
      ]
    : []
  return [
    '<!doctype html>',
    `<html lang="${escapeHtml(tag)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(subject)}</title></head>`,
    '<body style="margin:0;padding:0;background:#f4f5f7">',
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="table-layout:fixed;background:#f4f5f7"><tr><td align="center" style="padding:24px 12px">',
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="table-layout:fixed;max-width:560px;background:#ffffff;border-radius:8px"><tr><td style="padding:32px">',
    ...paragraphs.map(body),
    ...action,
    ...after.map(small),
    `<p style="${SMALL};margin:24px 0 0;border-top:1px solid #e3e6eb;padding-top:16px">${escapeHtml(footer)}</p>`,
    '</td></tr></table></td></tr></table></body></html>',
    '',
  ].join('\n')
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
