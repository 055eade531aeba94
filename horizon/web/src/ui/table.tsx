// A table of any number of rows: only those in sight are drawn. What it shows is in
// the address: ?q= text, ?sort=-name, ?status=ACTIVE.
import '@patternfly/react-styles/css/components/Table/table.css'
import { Button, Checkbox, Popover, SearchInput, Toolbar, ToolbarContent, ToolbarGroup, ToolbarItem } from '@patternfly/react-core'
import { useMemo, useState, type ReactNode } from 'react'
import { text } from '../core/format'
import type { Action, Column, Ctx, Resource, Row } from '../core/resource'
import { idOf } from '../core/resource'
import { setQuery, useWhere } from '../core/router'
import { change, settings } from '../core/settings'
import { locale, t } from '../i18n'
import { allowed, fits } from './actions'
import { Nothing } from './parts'
import { Rows } from './rows'

/** Rows that match a text in any column, id or address. */
export function searched(rows: Row[], q: string, columns: Column[], c: Ctx, def: Resource): Row[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean)
  if (!words.length) return rows
  return rows.filter(r => { const all = (idOf(def, r) + ' ' + columns.map(x => text(x.value(r, c))).join(' ')).toLowerCase(); return words.every(w => all.includes(w)) })
}

export function sorted(rows: Row[], column: Column | undefined, down: boolean, c: Ctx): Row[] {
  if (!column) return rows
  const collator = new Intl.Collator(locale(), { numeric: true })
  const of = rows.map(r => [column.value(r, c) ?? '', r] as const)
  of.sort(([a], [b]) => (typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b))) * (down ? -1 : 1))
  return of.map(x => x[1])
}

/** A list as CSV; a cell that a spreadsheet would take for a formula is kept a text. */
export function csv(rows: Row[], columns: Column[], c: Ctx): string {
  const cell = (v: unknown) => { const s = text(v); const safe = /^[=+\-@\t\r]/.test(s) && Number.isNaN(Number(s)) ? `'${s}` : s; return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe }
  return [columns.map(x => cell(t(x.label))).join(','), ...rows.map(r => columns.map(x => cell(x.value(r, c))).join(','))].join('\r\n') + '\r\n'
}

export function save(name: string, content: string | Blob, type = 'text/plain') {
  const a = document.createElement('a')
  a.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }))
  a.download = name
  a.click()
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000)
}

interface Props { def: Resource; rows: Row[]; ctx: Ctx; start: (a: Action, rows: Row[]) => void; plain?: boolean; id?: string; empty?: ReactNode }

export function DataTable({ def, rows, ctx, start, plain, id = def.id, empty }: Props) {
  const { query } = useWhere()
  const [local, setLocal] = useState<Record<string, string>>({})
  const ask = (k: string) => (plain ? local[k] : query.get(k)) ?? ''
  const tell = (part: Record<string, string | undefined>) => plain ? setLocal(o => ({ ...o, ...Object.fromEntries(Object.entries(part).map(([k, v]) => [k, v ?? ''])) })) : setQuery(part)
  const columns = def.columns.filter(c => ctx.offer.has(c.need))
  const [chosen, choose] = useState<string[]>(() => settings().columns[id] ?? columns.filter(c => !c.off).map(c => c.id))
  const [ticked, tick] = useState<Set<string>>(new Set())
  const visible = columns.filter(c => chosen.includes(c.id))
  const sort = ask('sort')
  const by = columns.find(c => c.id === sort.replace(/^-/, ''))
  const facets = (def.facets ?? []).map(f => columns.find(c => c.id === f)!).filter(Boolean)
  const picked = facets.map(f => ask(f.id)).join('\n')
  const q = ask('q')
  const out = useMemo(() => {
    const few = rows.filter(r => facets.every(f => !ask(f.id) || text(f.value(r, ctx)) === ask(f.id)))
    return sorted(searched(few, q, columns, ctx, def), by, sort.startsWith('-'), ctx)
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [rows, ctx, q, sort, picked])
  const actions = def.actions.filter(a => allowed(a, ctx.offer))
  const bulk = actions.filter(a => a.on === 'bulk')
  const rowActions = actions.filter(a => a.on !== 'table')
  const chosenRows = out.filter(r => ticked.has(idOf(def, r)))
  const flip = (c: string) => { const n = chosen.includes(c) ? chosen.filter(x => x !== c) : [...chosen, c]; choose(n); change({ columns: { ...settings().columns, [id]: n } }) }

  return (
    <div className="data-table">
      <Toolbar className="table-tools" inset={{ default: 'insetNone' }}>
        <ToolbarContent>
          <ToolbarItem className="table-search"><SearchInput aria-label={t('Filter')} placeholder={t('Filter')} value={q} onChange={(_, v) => tell({ q: v })} onClear={() => tell({ q: '' })} /></ToolbarItem>
          {facets.map(f => <ToolbarItem key={f.id}><Facet column={f} rows={rows} ctx={ctx} value={ask(f.id)} set={v => tell({ [f.id]: v })} /></ToolbarItem>)}
          {bulk.length > 0 && chosenRows.length > 0 && (
            <ToolbarGroup className="bulk">
              <span className="soft">{t('{n} chosen', { n: chosenRows.length })}</span>
              {bulk.map(a => { const f = chosenRows.filter(r => fits(a, r, ctx)); return <Button key={a.id} size="sm" variant={a.danger ? 'danger' : 'secondary'} isDisabled={!f.length} onClick={() => { start(a, f); tick(new Set()) }}>{t(a.label)}{f.length !== chosenRows.length ? ` (${f.length})` : ''}</Button> })}
            </ToolbarGroup>
          )}
          <ToolbarGroup align={{ default: 'alignEnd' }}>
            <span className="soft count" role="status">{out.length === rows.length ? t('Rows: {n}', { n: rows.length }) : t('{n} of {all}', { n: out.length, all: rows.length })}</span>
            <Popover aria-label={t('Columns')} headerContent={t('Columns')} hasAutoWidth bodyContent={<div className="columns-choice">{columns.map(c => <Checkbox key={c.id} id={`col-${id}-${c.id}`} label={t(c.label)} isChecked={chosen.includes(c.id)} onChange={() => flip(c.id)} />)}</div>}>
              <Button variant="plain" size="sm">{t('Columns')}</Button>
            </Popover>
            <Button variant="plain" size="sm" onClick={() => save(`${id}.csv`, csv(out, visible, ctx), 'text/csv')} isDisabled={!out.length}>CSV</Button>
          </ToolbarGroup>
        </ToolbarContent>
      </Toolbar>
      {out.length === 0
        ? (empty && rows.length === 0 ? empty : <Nothing title={rows.length ? t('Nothing matches') : t('There is nothing here yet')} text={rows.length ? t('Change the filter above.') : undefined}>{rows.length > 0 && <Button variant="link" onClick={() => tell({ q: '', ...Object.fromEntries(facets.map(f => [f.id, ''])) })}>{t('Clear the filter')}</Button>}</Nothing>)
        : <Rows {...{ def, ctx, out, visible, bulk: bulk.length > 0, rowActions, start, sort, ticked, tick }} sortBy={c => tell({ sort: sort === c ? `-${c}` : sort === `-${c}` ? '' : c })} />}
    </div>
  )
}

function Facet({ column, rows, ctx, value, set }: { column: Column; rows: Row[]; ctx: Ctx; value: string; set: (v: string) => void }) {
  const values = useMemo(() => { const n = new Map<string, number>(); for (const r of rows) { const v = text(column.value(r, ctx)); if (v) n.set(v, (n.get(v) ?? 0) + 1) } return [...n].sort() }, [rows, column, ctx])
  if (values.length < 2 && !value) return null
  return (
    <select className="facet" aria-label={t(column.label)} value={value} onChange={e => set(e.target.value)}>
      <option value="">{t(column.label)}: {t('all')}</option>
      {values.map(([v, n]) => <option key={v} value={v}>{v} ({n})</option>)}
    </select>
  )
}
