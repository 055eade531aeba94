// Forms: fields with their rules, and what a form would send, to copy.
import { Button, Checkbox, ExpandableSection, Form, FormGroup, FormHelperText, FormSelect, FormSelectOption, FormSelectOptionGroup, HelperText, HelperTextItem, Switch, TextArea, TextInput } from '@patternfly/react-core'
import { useId, useState } from 'react'
import type { Call } from '../core/api'
import type { Ctx, Field, Option, Values } from '../core/resource'
import { t, type Key } from '../i18n'
import { Code } from './parts'

export function initials(fields: Field[], ctx: Ctx): Values {
  const v: Values = {}
  for (const f of fields) {
    if (f.initial !== undefined) v[f.id] = f.initial
    else if (f.kind === 'switch') v[f.id] = false
    else if (f.kind === 'many') v[f.id] = []
    else if (f.kind === 'pairs') v[f.id] = {}
    else v[f.id] = ''
  }
  for (const f of fields) if (f.kind === 'select' && f.required && v[f.id] === '') v[f.id] = f.options?.(ctx, v).find(o => !o.disabled)?.value ?? ''
  return v
}

export const shown = (fields: Field[], v: Values, c: Ctx) => fields.filter(f => !f.when || f.when(v, c))

/** What is wrong with a field; undefined is nothing. */
export function wrong(f: Field, v: Values): Key | undefined {
  const x = v[f.id]
  const empty = x === '' || x === undefined || x === null || (Array.isArray(x) && x.length === 0)
  if (empty) return f.required ? 'This is needed.' : undefined
  if (f.kind === 'number') {
    const n = Number(x)
    if (!Number.isInteger(n)) return 'A whole number is wanted.'
    if (f.min !== undefined && n < f.min) return 'The number is too small.'
    if (f.max !== undefined && n > f.max) return 'The number is too large.'
  }
  if (typeof x === 'string' && f.kind !== 'long' && f.kind !== 'file' && f.kind !== 'lines' && x.length > 255) return 'At most 255 characters are allowed.'
  return f.check?.(x, v)
}

export const allWrong = (fields: Field[], v: Values, c: Ctx) => shown(fields, v, c).filter(f => wrong(f, v))

/** Values without those of fields that are not shown. */
export const valid = (fields: Field[], v: Values, c: Ctx): Values => Object.fromEntries(Object.entries(v).filter(([k]) => shown(fields, v, c).some(f => f.id === k) || !fields.some(f => f.id === k)))

export function Fields({ fields, values, set, ctx, tried }: { fields: Field[]; values: Values; set: (id: string, v: unknown) => void; ctx: Ctx; tried: boolean }) {
  return <>{shown(fields, values, ctx).map(f => <One key={f.id} f={f} values={values} set={set} ctx={ctx} tried={tried} />)}</>
}

function One({ f, values, set, ctx, tried }: { f: Field; values: Values; set: (id: string, v: unknown) => void; ctx: Ctx; tried: boolean }) {
  const [left, leave] = useState(false)
  const id = useId()
  const bad = (tried || left) ? wrong(f, values) : undefined
  const help = `${id}-help`
  if (f.kind === 'switch') return (
    <FormGroup fieldId={id}>
      <Switch id={id} label={t(f.label)} isChecked={!!values[f.id]} onChange={(_, on) => set(f.id, on)} aria-describedby={f.help ? help : undefined} />
      {f.help && <Help id={help} text={f.help} />}
    </FormGroup>
  )
  return (
    <FormGroup label={t(f.label)} isRequired={f.required} fieldId={id} onBlur={() => leave(true)} role={f.kind === 'many' || f.kind === 'pairs' ? 'group' : undefined}>
      <Input f={f} id={id} value={values[f.id]} values={values} set={v => set(f.id, v)} ctx={ctx} bad={!!bad} describedBy={bad || f.help ? help : undefined} />
      {bad ? <Help id={help} text={bad} bad /> : f.help && <Help id={help} text={f.help} />}
    </FormGroup>
  )
}

const Help = ({ id, text, bad }: { id: string; text: Key; bad?: boolean }) => (
  <FormHelperText><HelperText><HelperTextItem id={id} variant={bad ? 'error' : 'default'}>{t(text)}</HelperTextItem></HelperText></FormHelperText>
)

function Input({ f, id, value, values, set, ctx, bad, describedBy }: { f: Field; id: string; value: any; values: Values; set: (v: unknown) => void; ctx: Ctx; bad: boolean; describedBy?: string }) {
  const common = { id, isRequired: f.required, validated: bad ? 'error' as const : 'default' as const, 'aria-describedby': describedBy, 'aria-invalid': bad }
  switch (f.kind) {
    case 'select': return <Select id={id} value={value} options={f.options?.(ctx, values) ?? []} set={set} required={f.required} bad={bad} describedBy={describedBy} />
    case 'many': return <Many value={value} options={f.options?.(ctx, values) ?? []} set={set} />
    case 'pairs': return <Pairs value={value} set={set} label={t(f.label)} />
    case 'long': case 'lines': return <TextArea {...common} value={value} onChange={(_, v) => set(v)} resizeOrientation="vertical" rows={4} placeholder={f.placeholder} spellCheck={false} />
    case 'file': return <input id={id} type="file" aria-describedby={describedBy} onChange={e => set(e.target.files?.[0] ?? '')} />
    default: return <TextInput {...common} type={f.kind === 'password' ? 'password' : f.kind === 'number' ? 'number' : f.kind === 'date' ? 'datetime-local' : 'text'} value={value ?? ''} onChange={(_, v) => set(v)} placeholder={f.placeholder} min={f.min} max={f.max} autoComplete={f.kind === 'password' ? 'new-password' : 'off'} />
  }
}

function Select({ id, value, options, set, required, bad, describedBy }: { id: string; value: string; options: Option[]; set: (v: string) => void; required?: boolean; bad: boolean; describedBy?: string }) {
  const groups = [...new Set(options.map(o => o.group))]
  const one = (o: Option) => <FormSelectOption key={o.value} value={o.value} label={o.note ? `${o.label} (${o.note})` : o.label} isDisabled={o.disabled} />
  return (
    <FormSelect id={id} value={value} onChange={(_, v) => set(v)} validated={bad ? 'error' : 'default'} aria-describedby={describedBy} isRequired={required}>
      {(!required || !options.some(o => o.value === value)) && !options.some(o => o.value === '') && <FormSelectOption value="" label={required ? t('Choose…') : '–'} isPlaceholder={required} />}
      {groups.map(g => g ? <FormSelectOptionGroup key={g} label={g}>{options.filter(o => o.group === g).map(one)}</FormSelectOptionGroup> : options.filter(o => !o.group).map(one))}
    </FormSelect>
  )
}

function Many({ value, options, set }: { value: string[]; options: Option[]; set: (v: string[]) => void }) {
  const base = useId()
  const [q, search] = useState('')
  const few = options.filter(o => !q || o.label.toLowerCase().includes(q.toLowerCase()))
  return (
    <div className="many">
      {options.length > 8 && <TextInput value={q} onChange={(_, v) => search(v)} placeholder={t('Filter')} aria-label={t('Filter')} />}
      <div className="many-list">
        {few.slice(0, 200).map(o => <Checkbox key={o.value} id={`${base}-${o.value}`} label={o.label} description={o.note} isDisabled={o.disabled} isChecked={value.includes(o.value)} onChange={(_, on) => set(on ? [...value, o.value] : value.filter(x => x !== o.value))} />)}
        {options.length === 0 && <span className="soft">{t('There is nothing to choose from.')}</span>}
      </div>
    </div>
  )
}

function Pairs({ value, set, label }: { value: Record<string, string>; set: (v: Record<string, string>) => void; label: string }) {
  const rows = Object.entries(value ?? {})
  const put = (i: number, k: string, v: string) => set(Object.fromEntries(rows.map((r, n) => n === i ? [k, v] : r)))
  return (
    <div className="pairs">
      {rows.map(([k, v], i) => (
        <div key={i} className="pair">
          <TextInput aria-label={`${label} – ${t('Key')} ${i + 1}`} value={k} onChange={(_, x) => put(i, x, v)} placeholder={t('Key')} />
          <TextInput aria-label={`${label} – ${t('Value')} ${i + 1}`} value={v} onChange={(_, x) => put(i, k, x)} placeholder={t('Value')} />
          <Button variant="plain" aria-label={t('Remove')} icon={<span aria-hidden="true">✕</span>} onClick={() => set(Object.fromEntries(rows.filter((_, n) => n !== i)))} />
        </div>
      ))}
      <Button variant="link" isInline onClick={() => set({ ...value, '': '' })} isDisabled={rows.some(([k]) => k === '')}>{t('Add a pair')}</Button>
    </div>
  )
}

const address = (c: Call) => `${c.method} /${c.service}${c.path}`
const secret = /password|passcode|secret|adminPass|user_data|private|^blob$/i
/** A call's body as it is shown: what is secret or very long is not. */
export const bodyText = (body: unknown) => JSON.stringify(body, (k, v) => typeof v === 'string' && v && secret.test(k) ? '…' : v, 2)

/** The same by command and by call, to copy. */
export function Equivalent({ cli, calls }: { cli: string | string[]; calls: Call[] }) {
  const lines = (Array.isArray(cli) ? cli : [cli]).filter(Boolean)
  return (
    <ExpandableSection toggleText={t('The same by command and by API')} className="equivalent">
      {lines.length > 0 && <Code label={t('Command')}>{lines.join('\n')}</Code>}
      {calls.map((c, i) => <Code key={i} label={t('API call')}>{address(c) + (c.body === undefined ? '' : '\n' + bodyText(c.body))}</Code>)}
    </ExpandableSection>
  )
}

export const PlainForm = ({ children, submit }: { children: React.ReactNode; submit: () => void }) => (
  <Form onSubmit={e => { e.preventDefault(); submit() }} noValidate>{children}<button type="submit" hidden aria-hidden="true" tabIndex={-1} /></Form>
)
