package deploy

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// A Screen shows packstack's lines: a title, and [ DONE ] or [ ERROR ] at its right.
type Screen struct {
	Out    io.Writer
	Colour bool

	mu    sync.Mutex
	notes []string
}

const width = 70

// Begin shows a step that begins.
func (s *Screen) Begin(title string) {
	if s.Colour {
		fmt.Fprintf(s.Out, "%s", title)
	}
}

// End shows how it ended.
func (s *Screen) End(title string, well bool) {
	state, colour := "[ DONE ]", "\033[32m"
	if !well {
		state, colour = "[ ERROR ]", "\033[31m"
	}
	pad := strings.Repeat(" ", max(1, width-len(title)-len(state)))
	if s.Colour {
		fmt.Fprintf(s.Out, "\r%s%s%s%s\033[0m\n", title, pad, colour, state)
		return
	}
	fmt.Fprintf(s.Out, "%s%s%s\n", title, pad, state)
}

// Say shows a line.
func (s *Screen) Say(format string, args ...any) { fmt.Fprintf(s.Out, format+"\n", args...) }

// Red shows a line that is wrong.
func (s *Screen) Red(format string, args ...any) {
	if s.Colour {
		format = "\033[31m" + format + "\033[0m"
	}
	s.Say(format, args...)
}

// Note keeps a line for the additional information at the end.
func (s *Screen) Note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, text)
}

// Additional shows what was noted.
func (s *Screen) Additional() {
	s.Say("\nAdditional information:")
	for _, n := range s.notes {
		s.Say(" * %s", n)
	}
}
