package disk

import (
	"context"
	"errors"
	"io"
	"time"
)

var errStalled = errors.New("the transfer stands still")

// A live is a reader that ends when nothing comes for too long.
type live struct {
	io.ReadCloser
	ctx   context.Context
	timer *time.Timer
	limit time.Duration
	end   func()
}

// openLive opens a stream and watches it from then on.
func openLive(ctx context.Context, limit time.Duration, open func(context.Context) (io.ReadCloser, error)) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	l := &live{ctx: ctx, limit: limit, timer: time.AfterFunc(limit, func() { cancel(errStalled) })}
	from, err := open(ctx)
	if err != nil {
		l.timer.Stop()
		err = l.why(err)
		cancel(nil)
		return nil, err
	}
	l.ReadCloser = from
	stop := context.AfterFunc(ctx, func() { from.Close() }) // ends a Read under way
	l.end = func() { stop(); l.timer.Stop(); cancel(nil) }
	return l, nil
}

func (l *live) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	l.timer.Reset(l.limit)
	if err != nil && err != io.EOF {
		err = l.why(err)
	}
	return n, err
}

func (l *live) why(err error) error {
	if errors.Is(context.Cause(l.ctx), errStalled) {
		return errStalled
	}
	return err
}

func (l *live) Close() error {
	l.end()
	return l.ReadCloser.Close()
}
