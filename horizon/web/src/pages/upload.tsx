// An image from a file of this computer: any size, with progress, can be cancelled.
import { Button, Modal, ModalBody, ModalFooter, ModalHeader, Progress } from '@patternfly/react-core'
import { useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { ApiError, root, said, send, type Call } from '../core/api'
import { bytes, osc } from '../core/format'
import type { Ctx, Field, Row } from '../core/resource'
import { t } from '../i18n'
import { nameField, num } from '../things/common'
import { refresh } from '../ui/actions'
import { Equivalent, Fields, PlainForm, allWrong, initials, valid } from '../ui/form'
import { notify, update } from '../ui/notices'
import { Failure } from '../ui/parts'

/** The format of a disk by its first bytes. */
export async function formatOf(f: Blob): Promise<string> {
  const b = new Uint8Array(await f.slice(0, 512).arrayBuffer())
  const s = String.fromCharCode(...b.slice(0, 8))
  if (s.startsWith('QFI\xfb')) return 'qcow2'
  if (s.startsWith('KDMV') || s.startsWith('# Disk D')) return 'vmdk'
  if (s.startsWith('vhdxfile')) return 'vhdx'
  if (s.startsWith('conectix')) return 'vhd'
  if (String.fromCharCode(...b.slice(0, 64)).includes('VirtualBox')) return 'vdi'
  const iso = new Uint8Array(await f.slice(32769, 32774).arrayBuffer())
  return String.fromCharCode(...iso) === 'CD001' ? 'iso' : 'raw'
}

const formats = ['qcow2', 'raw', 'iso', 'vmdk', 'vdi', 'vhd', 'vhdx']

function put(path: string, file: File, tell: (part: number) => void, stop: AbortSignal): Promise<void> {
  const call: Call = { service: 'image', method: 'PUT', path }
  return new Promise((good, bad) => {
    const x = new XMLHttpRequest()
    x.open('PUT', `${root}/api/image${path}`)
    x.setRequestHeader('Content-Type', 'application/octet-stream')
    x.setRequestHeader('X-Stackd-Dashboard', '1')
    x.upload.onprogress = e => tell(e.lengthComputable && e.total ? e.loaded / e.total : 0)
    x.onload = () => { if (x.status < 300) return good(); let b: unknown = x.responseText; try { b = JSON.parse(x.responseText) } catch { /* a text */ } bad(new ApiError(said(b) || x.statusText, x.status, call, x.getResponseHeader('X-Openstack-Request-Id') ?? '')) }
    x.onerror = () => bad(new ApiError(t('The cloud cannot be reached.'), 0, call))
    x.onabort = () => bad(new DOMException('', 'AbortError'))
    stop.addEventListener('abort', () => x.abort())
    x.send(file)
  })
}

export default function Upload({ ctx, close }: { row?: Row; ctx: Ctx; close: () => void }) {
  const client = useQueryClient()
  const fields: Field[] = [
    { id: 'file', label: 'File', kind: 'file', required: true }, nameField,
    { id: 'format', label: 'Format', kind: 'select', required: true, initial: 'qcow2', help: 'Found from the file; the cloud looks at it again.', options: () => formats.map(x => ({ value: x, label: x })) },
    { id: 'visibility', label: 'Visibility', kind: 'select', required: true, initial: 'private', options: () => ['private', 'shared', 'community', ...(ctx.offer.admin ? ['public'] : [])].map(x => ({ value: x, label: x })) },
    { id: 'min_disk', label: 'Least disk in GiB', kind: 'number', min: 0 }, { id: 'min_ram', label: 'Least memory in MiB', kind: 'number', min: 0 },
    { id: 'protected', label: 'Protected from deletion', kind: 'switch' }, { id: 'properties', label: 'Properties', kind: 'pairs' },
  ]
  const [values, setValues] = useState<Row>(() => initials(fields, ctx))
  const [tried, tryIt] = useState(false)
  const [part, setPart] = useState<number>()
  const [error, setError] = useState<unknown>()
  const stop = useRef<AbortController | null>(null)
  const bad = allWrong(fields, values, ctx)
  const v = valid(fields, values, ctx)
  const file = v.file as File | ''
  const make: Call = { service: 'image', method: 'POST', path: '/v2/images', body: { name: v.name, disk_format: v.format, container_format: 'bare', visibility: v.visibility, protected: v.protected, min_disk: num(v.min_disk) ?? 0, min_ram: num(v.min_ram) ?? 0, ...Object.fromEntries(Object.entries(v.properties ?? {}).filter(([k]) => k)) } }
  const set = (id: string, x: unknown) => {
    setValues(o => ({ ...o, [id]: x, ...(id === 'file' && x instanceof File && !o.name ? { name: x.name.replace(/\.(qcow2|img|raw|iso|vmdk|vdi|vhdx?)$/i, '') } : {}) }))
    if (id === 'file' && x instanceof File) void formatOf(x).then(f => setValues(o => ({ ...o, format: f })))
  }
  async function submit() {
    tryIt(true)
    if (bad.length || !file || part !== undefined) return
    setError(undefined)
    setPart(0)
    stop.current = new AbortController()
    let id = ''
    try {
      id = (await send(make)).id
      await put(`/v2/images/${id}/file`, file, setPart, stop.current.signal)
      void refresh(client, ['image'])
      update(notify({ kind: 'success', title: `${t('Upload image')}: ${v.name}` }), {})
      close()
    } catch (e) {
      if (id) void send({ service: 'image', method: 'DELETE', path: `/v2/images/${id}` }).catch(() => undefined).then(() => refresh(client, ['image']))
      setPart(undefined)
      if (!stop.current.signal.aborted) setError(e)
    }
  }
  return (
    <Modal isOpen onClose={() => { stop.current?.abort(); close() }} variant="medium" aria-label={t('Upload image')}>
      <ModalHeader title={t('Upload image')} />
      <ModalBody>
        {part === undefined ? <PlainForm submit={submit}><Fields fields={fields} values={values} set={set} ctx={ctx} tried={tried} /></PlainForm>
          : <Progress value={Math.round(part * 100)} title={`${file && file.name} · ${bytes(file ? file.size : 0)}`} label={part === 1 ? t('The cloud looks at the image') : undefined} />}
        {error !== undefined && <Failure error={error} />}
        {part === undefined && <Equivalent cli={osc('image create', { 'disk-format': v.format, 'container-format': 'bare', [v.visibility]: true, file: file ? file.name : 'FILE' }, v.name || 'NAME')} calls={[make, { service: 'image', method: 'PUT', path: '/v2/images/{0.id}/file' }]} />}
      </ModalBody>
      <ModalFooter>
        <Button onClick={submit} isDisabled={part !== undefined} isLoading={part !== undefined}>{t('Upload image')}</Button>
        <Button variant="link" onClick={() => { stop.current?.abort(); close() }}>{t('Cancel')}</Button>
      </ModalFooter>
    </Modal>
  )
}
