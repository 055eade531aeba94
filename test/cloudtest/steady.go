package cloudtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Steady is clients that ask a cloud without a pause, and take what goes wrong as
// openstacksdk does: a connection that fails, and an answer of 503, are tried three times
// more, after half a second, one, and two.
type Steady struct {
	Calls, Retries int
	Longest        time.Duration // of a call with all its tries
	Failed         []error       // of calls whose last try failed

	mu  sync.Mutex
	end context.CancelFunc
	wg  sync.WaitGroup
}

const triesMore = 3

// Steadily begins to ask as who signs in; Stop ends it.
func Steadily(ctx context.Context, signIn func(context.Context) (*Client, error)) (*Steady, error) {
	c, err := signIn(ctx)
	if err != nil {
		return nil, err
	}
	s := &Steady{}
	ctx, s.end = context.WithCancel(ctx)
	get := func(service, path string) func() error {
		return func() error { return c.Do(context.WithoutCancel(ctx), "GET", service, path, nil, nil) }
	}
	for _, f := range []func() error{
		get("compute", "/servers/detail"), get("compute", "/flavors"), get("network", "/ports"), get("network", "/networks"), get("image", "/images"), get("volumev3", "/volumes/detail"),
		func() error { _, err := signIn(context.WithoutCancel(ctx)); return err },
		func() error { return keypair(context.WithoutCancel(ctx), c) },
	} {
		s.wg.Go(func() {
			for ctx.Err() == nil {
				s.call(f)
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	return s, nil
}

// keypair makes one and deletes it.
func keypair(ctx context.Context, c *Client) error {
	const name = "steady"
	err := c.Do(ctx, "POST", "compute", "/os-keypairs", map[string]any{"keypair": map[string]string{"name": name}}, nil)
	if is(err, 409) { // made by a try that was not answered
		err = nil
	}
	if err == nil {
		err = c.Do(ctx, "DELETE", "compute", "/os-keypairs/"+name, nil, nil)
	}
	if is(err, 404) {
		err = nil
	}
	return err
}

func is(err error, status int) bool {
	var e *StatusError
	return errors.As(err, &e) && e.Status == status
}

func (s *Steady) call(f func() error) {
	start := time.Now()
	tries, err := Patiently(f)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Calls++
	s.Retries += tries
	s.Longest = max(s.Longest, time.Since(start))
	if err != nil {
		s.Failed = append(s.Failed, err)
	}
}

// Patiently calls as Steady's clients do; more is how often it was tried again.
func Patiently(f func() error) (more int, err error) {
	wait := 500 * time.Millisecond
	for err = f(); err != nil && more < triesMore; more++ {
		var e *StatusError
		if errors.As(err, &e) && e.Status != 503 {
			break
		}
		time.Sleep(wait)
		wait *= 2
		err = f()
	}
	return more, err
}

// Stop ends the asking. What was seen can be read then.
func (s *Steady) Stop() {
	s.end()
	s.wg.Wait()
}

func (s *Steady) String() string {
	return fmt.Sprintf("%d calls, %d tries more, %d failed; the longest took %s", s.Calls, s.Retries, len(s.Failed), s.Longest.Round(time.Millisecond))
}
