package keystone

import "stackd/internal/sealed"

// close is plain text made unreadable for a purpose of this service's.
func (k *keyring) close(purpose string, plain []byte) string {
	return sealed.New(k.master, "keystone "+purpose).Close(plain)
}

// open reads what close made.
func (k *keyring) open(purpose, closed string) ([]byte, error) {
	return sealed.New(k.master, "keystone "+purpose).Open(closed)
}
