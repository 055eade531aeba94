package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// A log keeps every line, whole and in order, and a busy one is not a write a line.
func TestLogWriterKeepsEveryLine(t *testing.T) {
	var w counting
	l := &logWriter{w: &w}
	var want strings.Builder
	for i := range 5000 {
		line := strings.Repeat("x", i%90) + "\n"
		want.WriteString(line)
		l.Write([]byte(line))
	}
	if got := w.String(); !strings.HasPrefix(want.String(), got) || got == "" {
		t.Fatal("what has been written is not what came first")
	}
	l.Flush()
	if w.String() != want.String() {
		t.Fatal("lines are lost or out of order")
	}
	if w.n > 100 {
		t.Fatalf("%d writes", w.n)
	}
}

// The last lines of a burst come out by themselves, and a line that comes alone at once.
func TestLogWriterDoesNotHoldBack(t *testing.T) {
	var w counting
	l := &logWriter{w: &w}
	l.Write([]byte("a\n"))
	if w.String() != "a\n" {
		t.Fatal("a line alone waits")
	}
	l.Write([]byte("b\n"))
	for end := time.Now().Add(10 * time.Second); w.String() != "a\nb\n"; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the last line never came")
		}
	}
}

type counting struct {
	mu sync.Mutex
	bytes.Buffer
	n int
}

func (c *counting) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.Buffer.Write(b)
}

func (c *counting) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Buffer.String()
}
