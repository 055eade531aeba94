import { Button, Card, CardBody, CardTitle, FormGroup, FormSelect, FormSelectOption } from '@patternfly/react-core'
import { useState } from 'react'
import { root, send } from '../core/api'
import { ctxOf } from '../core/data'
import { osc } from '../core/format'
import type { Field, Values } from '../core/resource'
import { useCloud } from '../core/session'
import { change, settings } from '../core/settings'
import { languages, t, type Language } from '../i18n'
import { Equivalent, Fields, PlainForm, allWrong, initials } from '../ui/form'
import { Failure } from '../ui/parts'
import { Heading } from './panel'

const zones = ['', 'UTC', ...(Intl.supportedValuesOf?.('timeZone') ?? [])]

export default function SettingsPage() {
  const [, draw] = useState(0)
  const s = settings()
  const put = (part: Parameters<typeof change>[0]) => { change(part); draw(n => n + 1) }
  return (
    <>
      <Heading title={t('Settings')} text={t('Kept in this browser.')} />
      <Card className="card narrow"><CardBody><div className="stack">
        <FormGroup label={t('Language')} fieldId="language"><FormSelect id="language" value={s.language} onChange={(_, v) => put({ language: v as Language })}>{Object.entries(languages).map(([k, v]) => <FormSelectOption key={k} value={k} label={v} />)}</FormSelect></FormGroup>
        <FormGroup label={t('Colours')} fieldId="theme"><FormSelect id="theme" value={s.theme} onChange={(_, v) => put({ theme: v as typeof s.theme })}><FormSelectOption value="system" label={t('As the system')} /><FormSelectOption value="light" label={t('Light')} /><FormSelectOption value="dark" label={t('Dark')} /></FormSelect></FormGroup>
        <FormGroup label={t('Time zone')} fieldId="zone"><FormSelect id="zone" value={s.zone} onChange={(_, v) => put({ zone: v })}>{zones.map(z => <FormSelectOption key={z} value={z} label={z || t('As the browser')} />)}</FormSelect></FormGroup>
      </div></CardBody></Card>
      <Password />
    </>
  )
}

const fields: Field[] = [
  { id: 'old', label: 'Present password', kind: 'password', required: true }, { id: 'password', label: 'New password', kind: 'password', required: true },
  { id: 'again', label: 'Password again', kind: 'password', required: true, check: (x, v) => x === v.password ? undefined : 'The passwords differ.' },
]

function Password() {
  const offer = useCloud()
  const ctx = ctxOf(offer, {})
  const [v, set] = useState<Values>(() => initials(fields, ctx))
  const [tried, tryIt] = useState(false)
  const [error, setError] = useState<unknown>()
  const bad = allWrong(fields, v, ctx)
  const call = { service: 'identity' as const, method: 'POST' as const, path: `/v3/users/${offer.session.user.id}/password`, body: { user: { original_password: v.old, password: v.password } } }
  const submit = () => { tryIt(true); if (!bad.length) send(call).then(() => { location.href = `${root}/auth/login/` }, setError) }
  return (
    <Card className="card narrow"><CardTitle component="h2">{t('Change password')}</CardTitle><CardBody>
      <p className="soft">{t('All sessions of yours end with it; sign in again with the new one.')}</p>
      <PlainForm submit={submit}><Fields fields={fields} values={v} set={(id, x) => set(o => ({ ...o, [id]: x }))} ctx={ctx} tried={tried} /></PlainForm>
      {error !== undefined && <Failure error={error} />}
      <div className="stack-acts"><Button onClick={submit} isDisabled={tried && bad.length > 0}>{t('Change password')}</Button></div>
      <Equivalent cli={osc('user password set')} calls={[call]} />
    </CardBody></Card>
  )
}
