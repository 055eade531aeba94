// Ed25519 key pairs as OpenSSH writes them (PROTOCOL.key), from the browser's own crypto.
import { t } from '../i18n'

const text = new TextEncoder()

const u32 = (n: number) => new Uint8Array([n >>> 24, n >>> 16, n >>> 8, n])
const join = (...parts: Uint8Array[]) => { const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0)); let at = 0; for (const p of parts) { out.set(p, at); at += p.length } return out }
const str = (b: Uint8Array | string) => { const x = typeof b === 'string' ? text.encode(b) : b; return join(u32(x.length), x) }
export const base64 = (b: Uint8Array) => btoa(String.fromCharCode(...b))
const fromUrl = (s: string) => Uint8Array.from(atob(s.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0))

/** The two files of ssh-keygen -t ed25519, for a public key of 32 bytes and a seed of 32. */
export function openssh(pub: Uint8Array, seed: Uint8Array, comment: string, check: Uint8Array) {
  const blob = join(str('ssh-ed25519'), str(pub))
  let inner = join(check, check, str('ssh-ed25519'), str(pub), str(join(seed, pub)), str(comment))
  const pad = (8 - inner.length % 8) % 8
  inner = join(inner, Uint8Array.from({ length: pad }, (_, i) => i + 1))
  const file = join(text.encode('openssh-key-v1\0'), str('none'), str('none'), str(''), u32(1), str(blob), str(inner))
  const lines = base64(file).match(/.{1,70}/g)!.join('\n')
  return { public: `ssh-ed25519 ${base64(blob)} ${comment}`, private: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n` }
}

export async function ed25519Pair(name: string) {
  const comment = name.replace(/[^\x21-\x7e]+/g, '-')
  if (!crypto.subtle) throw new Error(t('This browser makes keys on https addresses and on this machine only. Import a public key instead.'))
  const pair = await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify']) as CryptoKeyPair
  const jwk = await crypto.subtle.exportKey('jwk', pair.privateKey)
  return openssh(fromUrl(jwk.x!), fromUrl(jwk.d!), comment, crypto.getRandomValues(new Uint8Array(4)))
}
