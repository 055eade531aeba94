package cinder

// Zone is the one availability zone there is.
const Zone = "nova"

// Storage is the verbs of block storage.
type Storage struct {
	Store
	images   Images
	backends map[string]Backend // by name: host@backend#pool
	guests   Guests             // nil while nobody runs any
	vault    Vault              // nil when there is none
	wake     func()
	servers  Servers
	sealer   Sealer // nil where nothing is encrypted
	labels   map[string]string
	logs     Logs // nil where none are kept
}

// New makes Storage over its store and needs. Woken sets what to wake later on.
func New(s Store, i Images, backends map[string]Backend) *Storage {
	return &Storage{Store: s, images: i, backends: backends, wake: func() {}}
}

// Label gives a backend the volume_backend_name that types choose it by: without one it
// is the backend's own name.
func (s *Storage) Label(backend, label string) {
	if s.labels == nil {
		s.labels = map[string]string{}
	}
	s.labels[backend] = label
}

// Served says who runs the guests that have volumes.
func (s *Storage) Served(g Guests) { s.guests = g }

// Logged says whose log levels administrators ask for and set.
func (s *Storage) Logged(l Logs) { s.logs = l }

// Guests are those who run guests; nil when nobody does.
func (s *Storage) Guests() Guests { return s.guests }

// Woken says what to call when something has become due.
func (s *Storage) Woken(f func()) { s.wake = f }

// Wake has the loop look at once.
func (s *Storage) Wake() { s.wake() }

// Backends are the places for volumes, by name.
func (s *Storage) Backends() map[string]Backend { return s.backends }

// Images are the images that volumes are made from.
func (s *Storage) Images() Images { return s.images }
