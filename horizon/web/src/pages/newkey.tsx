// A key pair made in this browser: the private key never leaves it.
import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { send, type Call } from '../core/api'
import { ed25519Pair } from '../core/openssh'
import { osc } from '../core/format'
import type { Ctx, Field, Row } from '../core/resource'
import { t } from '../i18n'
import { nameField } from '../things/common'
import { refresh } from '../ui/actions'
import { Equivalent, Fields, PlainForm, allWrong } from '../ui/form'
import { Failure } from '../ui/parts'
import { save } from '../ui/table'

const fields: Field[] = [nameField]

export default function NewKey({ ctx, close, made }: { row?: Row; ctx: Ctx; close: () => void; made?: (name: string) => void }) {
  const client = useQueryClient()
  const [v, set] = useState<Row>({ name: '' })
  const [tried, tryIt] = useState(false)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const [done, setDone] = useState<string>()
  const bad = allWrong(fields, v, ctx)
  const body = (line: string): Call => ({ service: 'compute', method: 'POST', path: '/v2.1/os-keypairs', body: { keypair: { name: v.name, type: 'ssh', public_key: line } } })
  async function submit() {
    tryIt(true)
    if (bad.length || busy) return
    setBusy(true)
    setError(undefined)
    try {
      const pair = await ed25519Pair(v.name)
      await send(body(pair.public))
      save(`${v.name}.pem`, pair.private, 'application/x-pem-file')
      await refresh(client, ['keypair'])
      setDone(pair.public)
      made?.(v.name)
    } catch (e) { setError(e) } finally { setBusy(false) }
  }
  const title = t('Create key pair')
  return (
    <Modal isOpen onClose={close} variant="medium" aria-label={title}>
      <ModalHeader title={title} description={t('The private key is made in this browser and saved as a file. It is never sent.')} />
      <ModalBody>
        {done ? <p>{t('The private key was saved as {file}. Keep it: it cannot be had again.', { file: `${v.name}.pem` })} <code>ssh -i {v.name}.pem …</code></p> : <>
          <PlainForm submit={submit}><Fields fields={fields} values={v} set={(id, x) => set(o => ({ ...o, [id]: x }))} ctx={ctx} tried={tried} /></PlainForm>
          {error !== undefined && <Failure error={error} />}
          <Equivalent cli={osc('keypair create', { type: 'ssh' }, v.name || 'NAME') + ` > ${v.name || 'NAME'}.pem`} calls={[body('ssh-ed25519 AAAA…')]} />
        </>}
      </ModalBody>
      <ModalFooter>{done ? <Button onClick={close}>{t('Close')}</Button> : <><Button onClick={submit} isLoading={busy} isDisabled={busy}>{title}</Button><Button variant="link" onClick={close}>{t('Cancel')}</Button></>}</ModalFooter>
    </Modal>
  )
}
