package nova

import (
	"encoding/json"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"stackd/agent/wish"
)

// sights are what this process has seen of each host: all of it can be lost, and other
// processes have their own. They tell a report that brings news from one that does not.
type sights struct {
	mu sync.Mutex
	on map[string]*sight
}

type sight struct {
	sum     uint64    // of the last report that was compared with the rows
	at      time.Time // when it was
	doubt   bool      // the rows may have changed since
	strange []string  // guests that the host has and no row knows: they shall go
}

// lookEvery is how often a report is compared with the rows although it says what the
// last one said: another process may have changed them.
const lookEvery = 30 * time.Second

func (s *sights) of(host string) *sight {
	if s.on == nil {
		s.on = map[string]*sight{}
	}
	if s.on[host] == nil {
		s.on[host] = &sight{doubt: true}
	}
	return s.on[host]
}

// look begins to compare a report with the rows, unless it is known to say nothing new.
// First is that this process has never seen the host.
func (s *sights) look(host string, sum uint64, now time.Time) (news, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.of(host)
	if !v.doubt && v.sum == sum && now.Sub(v.at) < lookEvery {
		return false, false
	}
	v.doubt = false // whatever changes from now on is in doubt again
	return true, v.at.IsZero()
}

// saw ends what look began.
func (s *sights) saw(host string, sum uint64, now time.Time, strange []string) (strangersChanged bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.of(host)
	strangersChanged = !slices.Equal(v.strange, strange)
	v.sum, v.at, v.strange = sum, now, strange
	return strangersChanged
}

// doubt has the host's next report compared with the rows in any case.
func (s *sights) doubt(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(host).doubt = true
}

func (s *sights) doubtAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.on {
		v.doubt = true
	}
}

func (s *sights) strange(host string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of(host).strange
}

// sumOf stands for what a report says, but for what changes by itself.
func sumOf(r wish.Report) (uint64, error) {
	r.At, r.Node.Uptime, r.Node.Load, r.Node.FreeMemMB, r.Node.FreeDiskGB = time.Time{}, "", "", 0, 0
	b, err := json.Marshal(r)
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64(), err
}
