// What was asked for and what became of it, in the corner.
import { Alert, AlertActionCloseButton, AlertGroup, Progress } from '@patternfly/react-core'
import { useSyncExternalStore, type ReactNode } from 'react'
import { ApiError } from '../core/api'
import { t } from '../i18n'

export interface Notice { id: number; kind: 'success' | 'danger' | 'info'; title: string; text?: ReactNode; part?: number; stay?: boolean }

let all: Notice[] = []
let last = 0
const listeners = new Set<() => void>()
const set = (n: Notice[]) => { all = n; for (const f of listeners) f() }

export function notify(n: Omit<Notice, 'id'>): number {
  const id = ++last
  set([...all.slice(-4), { ...n, id }])
  if (!n.stay && n.kind !== 'danger') setTimeout(() => dismiss(id), 6000)
  return id
}
export const dismiss = (id: number) => set(all.filter(n => n.id !== id))
export function update(id: number, part: Partial<Notice>) {
  set(all.map(n => n.id === id ? { ...n, ...part } : n))
  if (part.stay === false && part.kind !== 'danger') setTimeout(() => dismiss(id), 6000)
}
export const failed = (title: string, e: unknown) => notify({ kind: 'danger', title, text: e instanceof ApiError ? `${e.message}${e.request ? ` (${e.request})` : ''}` : String((e as Error)?.message ?? e) })

export function Notices() {
  const list = useSyncExternalStore(f => { listeners.add(f); return () => { listeners.delete(f) } }, () => all)
  return (
    <AlertGroup isToast isLiveRegion aria-label={t('Notices')}>
      {list.map(n => (
        <Alert key={n.id} variant={n.kind} title={n.title} actionClose={<AlertActionCloseButton title={t('Close')} onClose={() => dismiss(n.id)} />}>
          {n.text}
          {n.part !== undefined && <Progress value={Math.round(n.part * 100)} aria-label={n.title} size="sm" />}
        </Alert>
      ))}
    </AlertGroup>
  )
}
