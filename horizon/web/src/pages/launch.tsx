// The launch wizard: all that a server can be born with, in steps; what is left empty has a good default.
import { Button, Wizard, WizardStep } from '@patternfly/react-core'
import { useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react'
import { send, type Call } from '../core/api'
import { useCtx } from '../core/data'
import { gib, mib, osc } from '../core/format'
import type { Ctx, Field, Row, Values } from '../core/resource'
import { go, useWhere } from '../core/router'
import { t, type Key } from '../i18n'
import { cleanPairs, lean, lists, nameField, num, options, own } from '../things/common'
import { refresh } from '../ui/actions'
import { Equivalent, Fields, PlainForm, allWrong, initials, valid } from '../ui/form'
import { notify } from '../ui/notices'
import { Failure, Waiting } from '../ui/parts'
import { Heading } from './panel'

const NewKey = lazy(() => import('./newkey'))

export const steps: Key[] = ['Details', 'Source', 'Flavor', 'Networks', 'Security', 'Configuration', 'Placement', 'Metadata']
const title = (r: Row) => r.name || r.id.slice(0, 8)

/** The image's own demands on a flavor. */
const needs = (c: Ctx, v: Values) => { const i = c.find('images', v.image); return { disk: v.from === 'image' && !v.bootvolume ? Math.max(i?.min_disk ?? 0, Math.ceil((i?.virtual_size ?? 0) / 2 ** 30)) : 0, ram: i?.min_ram ?? 0 } }

export function launchFields(c: Ctx, ask: { image?: string; volume?: string } = {}): Field[] {
  const o = c.offer
  return [
    { ...nameField, step: 'Details' }, { id: 'description', label: 'Description', step: 'Details' },
    { id: 'count', label: 'How many', kind: 'number', required: true, min: 1, max: 100, initial: 1, step: 'Details' },
    { id: 'zone', label: 'Availability zone', kind: 'select', step: 'Placement', options: () => options(c, 'zones') },
    { id: 'from', label: 'Start from', kind: 'select', required: true, initial: ask.volume ? 'volume' : 'image', step: 'Source', options: () => [{ value: 'image', label: t('Image') }, ...(o.has('volume') ? [{ value: 'volume', label: t('Volume') }, { value: 'snapshot', label: t('Volume snapshot') }] : [])] },
    { id: 'image', label: 'Image', kind: 'select', required: true, step: 'Source', initial: ask.image ?? '', when: v => v.from === 'image', options: () => options(c, 'images', r => `${r.name ?? r.id}${r.os_distro ? ` · ${r.os_distro}` : ''}`, r => r.id, r => r.status === 'active') },
    { id: 'bootvolume', label: 'On a new volume', kind: 'switch', step: 'Source', when: v => v.from === 'image' && o.has('volume'), help: 'The disk then outlives the host, and the server.' },
    { id: 'volume', label: 'Volume', kind: 'select', required: true, step: 'Source', initial: ask.volume ?? '', when: v => v.from === 'volume', options: () => options(c, 'volumes', r => `${title(r)} (${gib(r.size)})`, r => r.id, r => r.status === 'available' && String(r.bootable) === 'true') },
    { id: 'snapshot', label: 'Snapshot', kind: 'select', required: true, step: 'Source', when: v => v.from === 'snapshot', options: () => options(c, 'snapshots', r => `${title(r)} (${gib(r.size)})`, r => r.id, r => r.status === 'available') },
    { id: 'size', label: 'Size in GiB', kind: 'number', required: true, min: 1, initial: 10, step: 'Source', when: v => (v.from === 'image' && v.bootvolume) || v.from === 'snapshot' },
    { id: 'drop', label: 'Delete the volume with the server', kind: 'switch', step: 'Source', when: v => v.bootvolume || v.from !== 'image' },
    { id: 'flavor', label: 'Flavor', kind: 'select', required: true, step: 'Flavor', options: (_, v) => { const n = needs(c, v); return c.rows('flavors').slice().sort((a, b) => a.ram - b.ram || a.vcpus - b.vcpus).map(f => ({ value: f.id, label: `${f.name} · ${f.vcpus} vCPU · ${mib(f.ram)} · ${gib(f.disk)}`, disabled: (f.disk > 0 && f.disk < n.disk) || f.ram < n.ram, note: (f.disk > 0 && f.disk < n.disk) || f.ram < n.ram ? t('too small for the image') : undefined })) } },
    { id: 'networks', label: 'Networks', kind: 'many', step: 'Networks', help: 'None chosen: the only network of the project, or none.', initial: c.rows('networks').filter(r => !r['router:external'] && own(r, o)).length === 1 ? [c.rows('networks').find(r => !r['router:external'] && own(r, o))!.id] : [], options: () => options(c, 'networks', r => r.name || r.id, r => r.id, r => r.subnets?.length > 0 && (!r['router:external'] || o.admin) && (own(r, o) || r.shared)) },
    { id: 'ports', label: 'Ports', kind: 'many', step: 'Networks', when: () => c.rows('ports').some(p => !p.device_id && own(p, o)), options: () => options(c, 'ports', p => `${p.name || p.id.slice(0, 8)} · ${(p.fixed_ips ?? []).map((f: Row) => f.ip_address).join(', ')}`, p => p.id, p => !p.device_id && own(p, o)) },
    { id: 'groups', label: 'Security groups', kind: 'many', step: 'Security', initial: ['default'], when: () => o.has('network:security-group'), options: () => options(c, 'groups', r => r.name, r => r.name === 'default' ? 'default' : r.id, r => own(r, o)) },
    { id: 'key', label: 'Key pair', kind: 'select', step: 'Security', initial: c.rows('keys').length === 1 ? c.rows('keys')[0]!.name : '', options: () => options(c, 'keys', r => r.name, r => r.name) },
    { id: 'userdata', label: 'User data', kind: 'long', step: 'Configuration', help: 'A script, or cloud-init text: it runs at the first start.', placeholder: '#cloud-config', check: x => new TextEncoder().encode(String(x)).length > 49_149 ? 'At most 48 KiB are allowed.' : undefined },
    { id: 'drive', label: 'Configuration drive', kind: 'switch', step: 'Configuration' },
    { id: 'password', label: 'Administrator password', kind: 'password', step: 'Configuration', help: 'Where the image supports it.' },
    { id: 'disk', label: 'Disk partition', kind: 'select', step: 'Configuration', options: () => [{ value: 'AUTO', label: t('Automatic') }, { value: 'MANUAL', label: t('Manual') }] },
    { id: 'group', label: 'Server group', kind: 'select', step: 'Placement', when: () => o.has('compute:os-server-groups'), options: () => options(c, 'serverGroups', r => `${r.name} (${r.policy})`) },
    { id: 'hints', label: 'Scheduler hints', kind: 'pairs', step: 'Placement' },
    { id: 'host', label: 'Host', step: 'Placement', when: () => o.admin, help: 'Empty: one is chosen.' },
    { id: 'metadata', label: 'Metadata', kind: 'pairs', step: 'Metadata' },
    { id: 'tags', label: 'Tags', step: 'Metadata', help: 'Separated by commas.' },
  ]
}

/** Text as UTF-8 in base64. */
export const base64 = (s: string) => { let out = ''; for (const b of new TextEncoder().encode(s)) out += String.fromCharCode(b); return btoa(out) }

export function launchCall(v: Values): Call {
  const drive = (source: string, id: string, size?: number) => [{ boot_index: 0, uuid: id, source_type: source, destination_type: 'volume', delete_on_termination: !!v.drop, ...(size ? { volume_size: size } : {}) }]
  const mapping = v.from === 'volume' ? drive('volume', v.volume) : v.from === 'snapshot' ? drive('snapshot', v.snapshot, num(v.size)) : v.bootvolume ? drive('image', v.image, num(v.size)) : undefined
  const nets = [...(v.networks ?? []).map((uuid: string) => ({ uuid })), ...(v.ports ?? []).map((port: string) => ({ port }))]
  const tags = String(v.tags ?? '').split(',').map(s => s.trim()).filter(Boolean)
  const count = num(v.count) ?? 1
  const hints = lean({ ...cleanPairs(v.hints), group: v.group })
  return { service: 'compute', method: 'POST', path: '/v2.1/servers', body: {
    server: lean({ name: v.name, description: v.description, flavorRef: v.flavor, imageRef: mapping ? undefined : v.image, block_device_mapping_v2: mapping, networks: nets.length ? nets : 'auto', availability_zone: v.zone, host: v.host, key_name: v.key, security_groups: (v.groups ?? []).map((name: string) => ({ name })), user_data: v.userdata ? base64(v.userdata) : undefined, config_drive: v.drive || undefined, adminPass: v.password, 'OS-DCF:diskConfig': v.disk, metadata: Object.keys(cleanPairs(v.metadata)).length ? cleanPairs(v.metadata) : undefined, tags, min_count: count > 1 ? count : undefined, max_count: count > 1 ? count : undefined }),
    ...(Object.keys(hints).length ? { 'os:scheduler_hints': hints } : {}),
  } }
}

export const launchCli = (v: Values) => osc('server create', {
  flavor: v.flavor, image: v.from === 'image' ? v.image : undefined, volume: v.volume, snapshot: v.snapshot, 'boot-from-volume': v.bootvolume ? v.size : undefined, network: v.networks, port: v.ports, nic: !(v.networks?.length || v.ports?.length) ? 'auto' : undefined, 'key-name': v.key, 'security-group': v.groups, 'availability-zone': v.zone, host: v.host, 'user-data': v.userdata ? 'user-data.txt' : undefined, 'use-config-drive': v.drive, hint: [...Object.entries(cleanPairs(v.hints)).map(([k, x]) => `${k}=${x}`), ...(v.group ? [`group=${v.group}`] : [])], property: Object.entries(cleanPairs(v.metadata)).map(([k, x]) => `${k}=${x}`), description: v.description, min: num(v.count)! > 1 ? v.count : undefined, max: num(v.count)! > 1 ? v.count : undefined, tag: String(v.tags ?? '').split(',').map(s => s.trim()).filter(Boolean),
}, v.name || 'NAME')

// What the later steps choose from is read when they come: three calls at first.
const early = { images: lists.images, flavors: lists.flavors, networks: lists.networks }
const late = { zones: lists.zones, keys: lists.keys, groups: lists.groups, ports: lists.ports, volumes: lists.volumes, snapshots: lists.snapshots, serverGroups: lists.serverGroups }

const none = {}

export default function Launch() {
  const { query } = useWhere()
  const [further, goFurther] = useState(!!query.get('volume'))
  const a = useCtx(early)
  const b = useCtx(further ? late : none)
  if (a.pending || (query.get('volume') && b.pending)) return <><Heading title={t('Launch server')} /><Waiting rows={8} /></>
  const ctx: Ctx = { ...a.ctx, rows: j => j in early ? a.ctx.rows(j) : b.ctx.rows(j), find: (j, id) => j in early ? a.ctx.find(j, id) : b.ctx.find(j, id), name: (j, id) => j in early ? a.ctx.name(j, id) : b.ctx.name(j, id) }
  return <Steps ctx={ctx} further={() => goFurther(true)} error={a.error ?? b.error} ask={{ image: query.get('image') ?? undefined, volume: query.get('volume') ?? undefined }} />
}

function Steps({ ctx, further, error: joinError, ask }: { ctx: Ctx; further: () => void; error: Error | null; ask: { image?: string; volume?: string } }) {
  const client = useQueryClient()
  const fields = useMemo(() => launchFields(ctx, ask), [ctx]) // eslint-disable-line react-hooks/exhaustive-deps
  const [values, setValues] = useState<Values>(() => initials(fields, ctx))
  const [tried, tryIt] = useState(false)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const [key, newKey] = useState(false)
  const touched = useRef(false)
  const set = (id: string, x: unknown) => { if (id === 'key') touched.current = true; setValues(o => ({ ...o, [id]: x })) }
  const only = ctx.rows('keys').length === 1 ? ctx.rows('keys')[0]!.name : ''
  useEffect(() => { if (only && !touched.current) setValues(o => ({ ...o, key: only })) }, [only])
  const bad = allWrong(fields, values, ctx)
  const v = valid(fields, values, ctx)
  async function submit() {
    tryIt(true)
    if (bad.length || busy) return
    setBusy(true)
    setError(undefined)
    try {
      const out = await send(launchCall(v))
      void refresh(client, ['server'])
      notify({ kind: 'success', title: t('{name} is being launched', { name: v.name }), text: out?.server?.adminPass && !v.password ? <>{t('Administrator password')}: <code>{out.server.adminPass}</code></> : undefined })
      go(Number(v.count) > 1 || !out?.server?.id ? '/project/servers' : `/project/servers/${out.server.id}`)
    } catch (e) { setError(e); setBusy(false) }
  }
  const footer = (step: Key) => ({ isNextDisabled: false, nextButtonText: t('Next'), backButtonText: t('Back'), cancelButtonText: t('Cancel'), ...(step ? {} : {}) })
  const wrongIn = (s: Key) => bad.filter(f => f.step === s)
  return (
    <>
      <Heading title={t('Launch server')}><Button onClick={submit} isLoading={busy} isDisabled={busy || (tried && bad.length > 0)}>{t('Launch')}</Button></Heading>
      {joinError && <Failure error={joinError} title={t('Not everything to choose from could be read')} />}
      {error !== undefined && <Failure error={error} />}
      {tried && bad.length > 0 && <p className="missing" role="alert">{t('Still missing')}: {bad.map(f => `${t(f.step!)} – ${t(f.label)}`).join('; ')}</p>}
      <Wizard className="wizard" onClose={() => go('/project/servers')} onSave={submit} onStepChange={further} navAriaLabel={t('Steps')}>
        {steps.map((s, i) => (
          <WizardStep key={s} id={`step-${i}`} name={t(s)} status={tried && wrongIn(s).length ? 'error' : 'default'} footer={i === steps.length - 1 ? { ...footer(s), nextButtonText: t('Launch'), isNextDisabled: busy } : footer(s)}>
            <PlainForm submit={() => undefined}>
              <Fields fields={fields.filter(f => f.step === s)} values={values} set={set} ctx={ctx} tried={tried} />
              {s === 'Security' && <div><Button variant="link" isInline onClick={() => newKey(true)}>{t('Create key pair')}</Button></div>}
            </PlainForm>
            {i === steps.length - 1 && <Equivalent cli={launchCli(v)} calls={[launchCall(v)]} />}
          </WizardStep>
        ))}
      </Wizard>
      {key && <Suspense><NewKey ctx={ctx} close={() => newKey(false)} made={n => set('key', n)} /></Suspense>}
    </>
  )
}
