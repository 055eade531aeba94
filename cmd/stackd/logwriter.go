package main

import (
	"io"
	"sync"
	"time"
)

// logDelay is how long a line may wait for others to be written with it.
const logDelay = 50 * time.Millisecond

// A logWriter writes lines together: a line that comes alone goes out at once, those
// that follow within logDelay go out with one write at its end. A crash of the program
// can cost the lines of that time; Flush is for an end in order.
type logWriter struct {
	w    io.Writer
	mu   sync.Mutex
	buf  []byte
	held bool // a timer will flush
}

func (l *logWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.held {
		l.held = true
		time.AfterFunc(logDelay, l.Flush)
		return l.w.Write(line)
	}
	l.buf = append(l.buf, line...)
	if len(l.buf) > 1<<16 {
		return len(line), l.flush()
	}
	return len(line), nil
}

// Flush writes what has waited.
func (l *logWriter) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = false
	l.flush()
}

func (l *logWriter) flush() error {
	if len(l.buf) == 0 {
		return nil
	}
	_, err := l.w.Write(l.buf)
	l.buf = l.buf[:0]
	return err
}
