// The rows of a table: of any number, only those in sight are drawn.
import { Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core'
import { memo, useCallback, useEffect, useRef, useState } from 'react'
import { text } from '../core/format'
import { idOf, nameOf, type Action, type Column, type Ctx, type Resource, type Row } from '../core/resource'
import { t } from '../i18n'
import { fits } from './actions'
import { Status } from './parts'

export const rowHeight = 45 // pixels
const step = 5 // rows: scrolling by fewer draws nothing
const around = 10 // rows

type Start = (a: Action, rows: Row[]) => void
interface Shown { def: Resource; ctx: Ctx; visible: Column[]; bulk: boolean; rowActions: Action[]; start: Start }
interface RowsProps extends Shown { out: Row[]; sort: string; sortBy: (c: string) => void; ticked: Set<string>; tick: (s: Set<string>) => void }

/** The rows of a table, those in sight and some around them; others are blank space. */
export function Rows({ def, ctx, out, visible, bulk, rowActions, start, sort, sortBy, ticked, tick }: RowsProps) {
  const box = useRef<HTMLDivElement>(null)
  const [first, setFirst] = useState(0) // row in sight, in steps
  const [height, setHeight] = useState(900)
  useEffect(() => {
    const el = box.current
    if (!el) return
    const see = () => setHeight(el.clientHeight || 900)
    see()
    if (typeof ResizeObserver === 'undefined') return
    const o = new ResizeObserver(see)
    o.observe(el)
    return () => o.disconnect()
  }, [])
  const from = Math.max(0, first - around)
  const to = Math.min(out.length, first + step + Math.ceil(height / rowHeight) + around)
  const all = out.length > 0 && out.every(r => ticked.has(idOf(def, r)))
  const flip = useCallback((id: string) => { const n = new Set(ticked); n.has(id) ? n.delete(id) : n.add(id); tick(n) }, [ticked, tick])
  const span = visible.length + (bulk ? 1 : 0) + (rowActions.length ? 1 : 0)
  return (
    <div className="table-box" ref={box} onScroll={e => setFirst(Math.floor(e.currentTarget.scrollTop / rowHeight / step) * step)} tabIndex={0} role="region" aria-label={t(def.label)}>
      <table className="pf-v6-c-table pf-m-compact pf-m-sticky-header" aria-label={t(def.label)} aria-rowcount={out.length + 1}>
        <thead className="pf-v6-c-table__thead">
          <tr className="pf-v6-c-table__tr">
            {bulk && <th className="pf-v6-c-table__th tick" scope="col"><input type="checkbox" aria-label={t('Choose all')} checked={all} onChange={() => tick(all ? new Set() : new Set(out.map(r => idOf(def, r))))} /></th>}
            {visible.map(c => <th key={c.id} className="pf-v6-c-table__th" scope="col" style={{ width: c.width }} aria-sort={sort === c.id ? 'ascending' : sort === `-${c.id}` ? 'descending' : 'none'}><button type="button" className="sorter" onClick={() => sortBy(c.id)}>{t(c.label)}<span aria-hidden="true">{sort === c.id ? ' ↑' : sort === `-${c.id}` ? ' ↓' : ''}</span></button></th>)}
            {rowActions.length > 0 && <th className="pf-v6-c-table__th acts" scope="col"><span className="pf-v6-screen-reader">{t('Actions')}</span></th>}
          </tr>
        </thead>
        <tbody className="pf-v6-c-table__tbody">
          {from > 0 && <tr aria-hidden="true"><td colSpan={span} style={{ height: from * rowHeight, padding: 0 }} /></tr>}
          {out.slice(from, to).map((r, n) => { const id = idOf(def, r); return <Line key={id} {...{ def, ctx, visible, bulk, rowActions, start, flip }} row={r} id={id} at={from + n + 2} ticked={ticked.has(id)} /> })}
          {to < out.length && <tr aria-hidden="true"><td colSpan={span} style={{ height: (out.length - to) * rowHeight, padding: 0 }} /></tr>}
        </tbody>
      </table>
    </div>
  )
}

interface LineProps extends Shown { row: Row; id: string; at: number; ticked: boolean; flip: (id: string) => void }

/** One row. Scrolling draws only those that come into sight. */
const Line = memo(function Line({ def, ctx, visible, bulk, rowActions, start, row, id, at, ticked, flip }: LineProps) {
  return (
    <tr className="pf-v6-c-table__tr" aria-rowindex={at} style={{ height: rowHeight }}>
      {bulk && <td className="pf-v6-c-table__td tick"><input type="checkbox" aria-label={`${t('Choose')} ${nameOf(def, row)}`} checked={ticked} onChange={() => flip(id)} /></td>}
      {visible.map(c => <td key={c.id} className="pf-v6-c-table__td"><div className="cell">{c.show ? c.show(row, ctx) : c.id === 'status' ? <Status of={text(c.value(row, ctx))} /> : text(c.value(row, ctx)) || '–'}</div></td>)}
      {rowActions.length > 0 && <td className="pf-v6-c-table__td acts"><RowMenu def={def} row={row} actions={rowActions} ctx={ctx} start={start} /></td>}
    </tr>
  )
})

/** What can be done with a row: made when it is opened. */
export function RowMenu({ def, row, actions, ctx, start, label }: { def: Resource; row: Row; actions: Action[]; ctx: Ctx; start: Start; label?: string }) {
  const [open, set] = useState(false)
  const fit = open ? actions.filter(a => fits(a, row, ctx)) : []
  return (
    <Dropdown isOpen={open} onOpenChange={set} onSelect={() => set(false)} popperProps={{ position: 'right', appendTo: () => document.body }}
      toggle={ref => <MenuToggle ref={ref} variant={label ? 'primary' : 'plain'} size="sm" isExpanded={open} onClick={() => set(!open)} aria-label={label ? undefined : `${t('Actions')}: ${nameOf(def, row)}`}>{label ?? <span aria-hidden="true" className="kebab">⋮</span>}</MenuToggle>}>
      <DropdownList>
        {fit.map(a => <DropdownItem key={a.id} isDanger={a.danger} onClick={() => start(a, [row])}>{t(a.label)}</DropdownItem>)}
        {open && fit.length === 0 && <DropdownItem isDisabled>{t('Nothing can be done in this state')}</DropdownItem>}
      </DropdownList>
    </Dropdown>
  )
}
