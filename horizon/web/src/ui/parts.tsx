// Small parts that all pages use.
import { Alert, Button, ClipboardCopy, EmptyState, EmptyStateBody, EmptyStateFooter, ExpandableSection, Label, Skeleton, Tooltip } from '@patternfly/react-core'
import { Component, useEffect, useState, type ReactNode } from 'react'
import { ApiError } from '../core/api'
import { ago, time, tone } from '../core/format'
import { Link } from '../core/router'
import { t, type Key } from '../i18n'

const colours = { good: 'green', busy: 'blue', off: 'grey', bad: 'red', warn: 'orange' } as const

/** A status, as a word and a colour; one that is under way moves. */
export function Status({ of, note }: { of?: string | null; note?: string | null }) {
  if (!of) return <>–</>
  const k = tone(of)
  return <span className="status"><Label isCompact variant="outline" color={colours[k]} className={`tone-${k}`}><span className={k === 'busy' ? 'dot busy' : 'dot'} aria-hidden="true" />{of}</Label>{note && <span className="status-note">{note}</span>}</span>
}

/** How long ago, with the time itself to see; it goes on by itself. */
export function Ago({ at }: { at?: string | null }) {
  const [, again] = useState(0)
  useEffect(() => { const i = setInterval(() => again(n => n + 1), 15_000); return () => clearInterval(i) }, [])
  if (!at) return <>–</>
  return <time title={time(at)}>{ago(at)}</time>
}

export const Id = ({ of }: { of?: string | null }) => of
  ? <ClipboardCopy isReadOnly variant="inline-compact" hoverTip={t('Copy')} clickTip={t('Copied')} isCode truncation>{of}</ClipboardCopy>
  : <>–</>

/** A link to a thing by its name. */
export function Thing({ to, id, name }: { to: string; id?: string | null; name?: string }) {
  if (!id) return <>–</>
  return <Link to={`${to}/${encodeURIComponent(id)}`}>{name || id.slice(0, 8)}</Link>
}

const todo = (e: ApiError): Key => {
  if (e.status === 0) return 'Check the connection; this page tries again by itself.'
  if (e.status === 401) return 'The session has ended. Sign in again.'
  if (e.status === 403) return 'Your roles in this project do not allow this. Ask an administrator, or change the project.'
  if (e.status === 404) return 'It is not there (any more).'
  if (e.status === 409) return 'Its state does not allow this now, or it is in use. Look at it and try again.'
  if (e.status === 413 || e.status === 429) return 'A limit is reached. Delete something, ask for more quota, or wait.'
  if (e.status === 400) return 'Change what the message names and try again.'
  return 'The service has a problem. Try again; if it stays, give the request id to an administrator.'
}

/** What failed, and what to do. */
export function Failure({ error, retry, title }: { error: unknown; retry?: () => void; title?: string }) {
  const e = error instanceof ApiError ? error : new ApiError(String((error as Error)?.message ?? error), -1, { service: 'identity', method: 'GET', path: '' })
  return (
    <Alert variant={e.status === 403 || e.status === 404 ? 'warning' : 'danger'} isInline title={title ?? t('This did not work')} actionLinks={retry && <Button variant="link" isInline onClick={retry}>{t('Try again')}</Button>}>
      <p>{e.message}</p>
      {e.status >= 0 && <p>{t(todo(e))}</p>}
      {e.call.path && <ExpandableSection toggleText={t('Details')} className="failure-more">
        <code>{e.call.method} /{e.call.service}{e.call.path} → {e.status || t('no answer')}</code>
        {e.request && <div>{t('Request id')}: <code>{e.request}</code></div>}
      </ExpandableSection>}
    </Alert>
  )
}

export function Nothing({ title, text, children }: { title: string; text?: string; children?: ReactNode }) {
  return <EmptyState titleText={title} headingLevel="h2" variant="sm">{text && <EmptyStateBody>{text}</EmptyStateBody>}{children && <EmptyStateFooter>{children}</EmptyStateFooter>}</EmptyState>
}

export const Waiting = ({ rows = 6 }: { rows?: number }) => (
  <div className="waiting" role="status" aria-label={t('Loading')}>{Array.from({ length: rows }, (_, i) => <Skeleton key={i} width={`${92 - (i * 17) % 40}%`} />)}</div>
)

/** A page that breaks says so, and the others go on. */
export class Fence extends Component<{ children: ReactNode; at: string }, { error?: Error }> {
  state: { error?: Error } = {}
  static getDerivedStateFromError(error: Error) { return { error } }
  componentDidUpdate(was: { at: string }) { if (was.at !== this.props.at && this.state.error) this.setState({ error: undefined }) }
  render() {
    return this.state.error ? <Failure error={this.state.error} title={t('This page has a fault')} retry={() => this.setState({ error: undefined })} /> : this.props.children
  }
}

export const Copy = ({ text, label }: { text: string; label: string }) => {
  const [done, set] = useState(false)
  return <Tooltip content={done ? t('Copied') : label}><Button variant="plain" size="sm" aria-label={label} icon={<span aria-hidden="true">⧉</span>} onClick={() => { void navigator.clipboard?.writeText(text); set(true); setTimeout(() => set(false), 1500) }} /></Tooltip>
}

/** Texts to copy: a command, a call. */
export function Code({ children, label }: { children: string; label: string }) {
  return <div className="code"><pre tabIndex={0} aria-label={label}>{children}</pre><Copy text={children} label={t('Copy')} /></div>
}
