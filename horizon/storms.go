package horizon

import (
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// atOnce is how many sign-ins are worked on at one time; a password check is dear.
	atOnce = 8
	// mostFailures is how many sign-ins of one address may fail before it waits, and
	// pardon is how long one failure counts.
	mostFailures = 10
	pardon       = 6 * time.Second
	// mostAddresses is how many addresses are remembered.
	mostAddresses = 10_000
)

// storms bounds sign-ins: at once, and failed ones by address.
type storms struct {
	slots chan struct{}
	mu    *sync.Mutex
	until map[string]time.Time // when the failures of an address are all pardoned
}

func newStorms() storms {
	return storms{make(chan struct{}, atOnce), &sync.Mutex{}, map[string]time.Time{}}
}

// enter takes a place; leave gives it back and counts a failure.
func (s storms) enter(r *http.Request, now time.Time) (leave func(good bool, now time.Time), ok bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	s.mu.Lock()
	stormy := s.until[host].Sub(now) > mostFailures*pardon
	s.mu.Unlock()
	if stormy {
		return nil, false
	}
	select {
	case s.slots <- struct{}{}:
	case <-r.Context().Done():
		return nil, false
	case <-time.After(3 * time.Second):
		return nil, false
	}
	return func(good bool, now time.Time) {
		<-s.slots
		if !good {
			s.count(host, now)
		}
	}, true
}

func (s storms) count(host string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until[host].Before(now) {
		s.until[host] = now
	}
	s.until[host] = s.until[host].Add(pardon)
	if len(s.until) <= mostAddresses {
		return
	}
	for h, t := range s.until {
		if t.Before(now) || len(s.until) > mostAddresses {
			delete(s.until, h)
		}
	}
}
