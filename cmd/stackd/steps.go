package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// An event is one line of what `stackd up` is doing.
type event struct {
	Step  string  `json:"step"`
	State string  `json:"state"` // starting, started, running, or what went wrong
	Took  float64 `json:"took"`  // seconds
	Part  float64 `json:"part,omitempty"`
	Text  string  `json:"text,omitempty"`
	Ready bool    `json:"ready,omitempty"`
}

// steps tells people, or the process that waits for us, what happens.
type steps struct {
	mu   sync.Mutex
	out  io.Writer
	asIs bool // events, not words
	tty  bool
}

func newSteps(out *os.File, events bool) *steps {
	return &steps{out: out, asIs: events, tty: !events && term.IsTerminal(int(out.Fd()))}
}

func (s *steps) tell(e event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asIs {
		b, _ := json.Marshal(e)
		fmt.Fprintf(s.out, "%s\n", b)
		return
	}
	s.show(e)
}

// progress is daemon.Progress.
func (s *steps) progress(step, state string, took time.Duration) {
	s.tell(event{Step: step, State: state, Took: took.Seconds()})
}

// do runs f as a step. f says whether all was so already.
func (s *steps) do(name string, f func() (already bool, err error)) error {
	start := time.Now()
	s.progress(name, "starting", 0)
	already, err := f()
	state := "done"
	switch {
	case err != nil:
		state, err = "failed: "+err.Error(), fmt.Errorf("%s: %w", name, err)
	case already:
		state = "unchanged"
	}
	s.progress(name, state, time.Since(start))
	return err
}

func (s *steps) show(e event) {
	clear := ""
	if s.tty {
		clear = "\r\033[K"
	}
	switch {
	case e.Text != "":
		fmt.Fprint(s.out, clear, e.Text)
	case e.Part > 0 && s.tty:
		n := int(e.Part * 30)
		fmt.Fprintf(s.out, "%s  %-28s [%s%s] %3.0f %%", clear, e.Step, strings.Repeat("=", n), strings.Repeat(" ", 30-n), e.Part*100)
	case e.Part > 0:
	case e.State == "starting":
		if s.tty {
			fmt.Fprintf(s.out, "%s  %-28s …", clear, e.Step)
		}
	default:
		fmt.Fprintf(s.out, "%s  %-28s %-10s %6.1f s\n", clear, e.Step, s.colour(e.State), e.Took)
	}
}

func (s *steps) colour(state string) string {
	if !s.tty {
		return state
	}
	code := "32"
	if strings.HasPrefix(state, "failed") {
		code = "31"
	}
	return "\033[" + code + "m" + fmt.Sprintf("%-10s", state) + "\033[0m"
}

// follow shows the events of another process until it says it is ready.
func (s *steps) follow(r io.Reader) (ready bool) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		if e.Ready {
			return true
		}
		s.tell(e)
	}
	return false
}
