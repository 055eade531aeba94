// Carrying actions out: a dialog where something is to be asked, progress where there are many.
import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core'
import { useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useMemo, useState, type ReactNode } from 'react'
import { sendAll } from '../core/api'
import { useCtx } from '../core/data'
import { concerns } from '../core/live'
import { fieldsOf, nameOf, type Action, type Ctx, type Resource, type Row, type Values } from '../core/resource'
import { go } from '../core/router'
import type { Offer } from '../core/session'
import { t } from '../i18n'
import { Equivalent, Fields, PlainForm, allWrong, initials, valid } from './form'
import { failed, notify, update } from './notices'
import { Failure, Waiting } from './parts'

export const allowed = (a: Action, o: Offer) => o.has(a.need) && (!a.admin || o.admin)
export const fits = (a: Action, r: Row, c: Ctx) => !a.when || a.when(r, c)

const atOnce = 4

/** Does the same to many, four at a time, and tells how far it is. */
export async function toAll(title: string, rows: Row[], name: (r: Row) => string, one: (r: Row) => Promise<unknown>) {
  const id = notify({ kind: 'info', title, part: 0, stay: true })
  const left = [...rows]
  const errors: string[] = []
  let done = 0
  const work = async () => {
    for (let r = left.shift(); r; r = left.shift()) {
      await one(r).catch(e => errors.push(`${name(r!)}: ${e.message}`))
      update(id, { part: ++done / rows.length })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  update(id, { part: undefined, stay: false, kind: errors.length ? 'danger' : 'success', text: errors.length ? <ul>{errors.slice(0, 8).map((e, i) => <li key={i}>{e}</li>)}</ul> : t('{n} done', { n: done }) })
}

/** Reads again what the action may have changed, for when no event tells. */
export const refresh = (client: QueryClient, kinds: string[]) => client.invalidateQueries({ predicate: q => concerns(q.queryKey, new Set(kinds)) })

export interface Asked { action: Action; rows: Row[] }

export function ActionDialog({ def, asked, close }: { def: Resource; asked: Asked; close: () => void }) {
  const { ctx, pending, error } = useCtx(asked.action.joins ?? {})
  const { action, rows } = asked
  const title = rows.length === 1 && action.on !== 'table' ? `${t(action.label)}: ${nameOf(def, rows[0]!)}` : rows.length > 1 ? `${t(action.label)} (${rows.length})` : t(action.label)
  if (action.custom) return <action.custom row={rows[0] ?? {}} ctx={ctx} close={close} />
  return (
    <Modal isOpen onClose={close} variant="medium" aria-label={title} className="dialog">
      <ModalHeader title={title} titleIconVariant={action.danger ? 'warning' : undefined} />
      {pending ? <ModalBody><Waiting rows={4} /></ModalBody> : <Body def={def} asked={asked} ctx={ctx} close={close} joinError={error} />}
    </Modal>
  )
}

function Body({ def, asked: { action, rows }, ctx, close, joinError }: { def: Resource; asked: Asked; ctx: Ctx; close: () => void; joinError: Error | null }) {
  const client = useQueryClient()
  const row = rows[0] ?? {}
  const fields = useMemo(() => fieldsOf(action, row, ctx), [action, row, ctx])
  const [values, setValues] = useState<Values>(() => initials(fields, ctx))
  const [tried, tryIt] = useState(false)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const [result, setResult] = useState<ReactNode>()
  const bad = allWrong(fields, values, ctx)
  const v = valid(fields, values, ctx)
  const calls = (r: Row) => action.calls(v, r, ctx)
  const kinds = def.source(ctx.offer).kinds

  async function submit() {
    tryIt(true)
    if (bad.length || busy) return
    if (rows.length > 1) {
      close()
      await toAll(t(action.label), rows, r => nameOf(def, r), r => sendAll(calls(r)))
      void refresh(client, kinds)
      return
    }
    setBusy(true)
    setError(undefined)
    try {
      const answers = await sendAll(calls(row))
      void refresh(client, kinds)
      const shown = action.result?.(answers, v, row)
      if (shown) setResult(shown)
      else { notify({ kind: 'success', title: `${t(action.label)}: ${t('accepted')}` }); close() }
    } catch (e) { setError(e) } finally { setBusy(false) }
  }

  if (result) return <><ModalBody>{result}</ModalBody><ModalFooter><Button onClick={close}>{t('Close')}</Button></ModalFooter></>
  return (
    <>
      <ModalBody>
        {joinError && <Failure error={joinError} title={t('Not everything to choose from could be read')} />}
        {action.text && <p className="dialog-text">{t(action.text)}</p>}
        {rows.length > 0 && action.on !== 'table' && action.danger && <ul className="dialog-rows">{rows.slice(0, 12).map((r, i) => <li key={i}><strong>{nameOf(def, r)}</strong></li>)}{rows.length > 12 && <li>… {rows.length - 12}</li>}</ul>}
        <PlainForm submit={submit}>
          <Fields fields={fields} values={values} set={(id, x) => setValues(o => ({ ...o, [id]: x }))} ctx={ctx} tried={tried} />
        </PlainForm>
        {error !== undefined && <Failure error={error} />}
        {(bad.length === 0 || tried) && <Equivalent cli={rows.length ? rows.slice(0, 20).flatMap(r => action.cli(v, r, ctx)) : action.cli(v, row, ctx)} calls={calls(row)} />}
      </ModalBody>
      <ModalFooter>
        <Button variant={action.danger ? 'danger' : 'primary'} onClick={submit} isLoading={busy} isDisabled={busy || (tried && bad.length > 0)}>{t(action.label)}</Button>
        <Button variant="link" onClick={close}>{t('Cancel')}</Button>
      </ModalFooter>
    </>
  )
}

/** Starts an action: at once where nothing is to be asked, else by its dialog. */
export function useAction(def: Resource) {
  const client = useQueryClient()
  const [asked, ask] = useState<Asked>()
  const start = (action: Action, rows: Row[], ctx: Ctx) => {
    if (action.to) return go(action.to(rows[0] ?? {}))
    const asks = action.custom || action.danger || action.text || (typeof action.fields === 'function' ? true : action.fields?.length)
    if (asks) return ask({ action, rows })
    void toAll(t(action.label), rows, r => nameOf(def, r), r => sendAll(action.calls({}, r, ctx))).then(() => refresh(client, def.source(ctx.offer).kinds)).catch(e => failed(t(action.label), e))
  }
  return { start, dialog: asked && <ActionDialog def={def} asked={asked} close={() => ask(undefined)} /> }
}
