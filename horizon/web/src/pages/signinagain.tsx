// The session has ended under an open page: the password, and the page goes on.
import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core'
import { useState } from 'react'
import { root } from '../core/api'
import { ctxOf } from '../core/data'
import type { Field, Values } from '../core/resource'
import { own, Offer, type Ref } from '../core/session'
import { t } from '../i18n'
import { Fields, PlainForm, allWrong, initials } from '../ui/form'
import { Failure } from '../ui/parts'

const nobody = ctxOf(new Offer({ user: { id: '', name: '' }, system: false, roles: [], region: '', expires: '', catalog: [], services: [] }), {})

export default function SignInAgain({ user, done }: { user?: Ref; done: () => void }) {
  const fields: Field[] = [{ id: 'user', label: 'User name', required: true, initial: user?.name ?? '' }, { id: 'domain', label: 'Domain', required: true, initial: user?.domain?.name ?? 'Default' }, { id: 'password', label: 'Password', kind: 'password', required: true }, { id: 'passcode', label: 'One-time code', help: 'Only if your account has one.' }]
  const [v, set] = useState<Values>(() => initials(fields, nobody))
  const [tried, tryIt] = useState(false)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const submit = () => {
    tryIt(true)
    if (allWrong(fields, v, nobody).length || busy) return
    setBusy(true)
    own('POST', '/api/session', v).then(() => user && v.user === user.name ? done() : location.reload(), setError).finally(() => setBusy(false))
  }
  return (
    <Modal isOpen variant="small" aria-label={t('Sign in')}>
      <ModalHeader title={t('The session has ended. Sign in again.')} description={t('What is open on this page stays.')} />
      <ModalBody><PlainForm submit={submit}><Fields fields={fields} values={v} set={(id, x) => set(o => ({ ...o, [id]: x }))} ctx={nobody} tried={tried} /></PlainForm>{error !== undefined && <Failure error={error} />}</ModalBody>
      <ModalFooter><Button onClick={submit} isLoading={busy}>{t('Sign in')}</Button><Button variant="link" component="a" href={`${root}/auth/login/`}>{t('To the sign-in page')}</Button></ModalFooter>
    </Modal>
  )
}
