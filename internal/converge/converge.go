// Package converge moves a thing, by repeatable steps, to where its row says it should be.
//
// A thing's life is a Ladder of Steps; a Loop takes the things that are due, one
// worker a thing, and climbs or descends. Nothing is remembered between steps but
// the rows, so any process may try again at any time, also after a crash.
package converge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Step is one fact about the world that can be made true, and removed again.
// It looks, and what it sees decides. Nil Make or Remove do nothing.
type Step[T any] struct {
	Name   string
	Holds  func(context.Context, T) (bool, error)
	Make   func(context.Context, T) error
	Remove func(context.Context, T) error // every trace, also of a Make that broke halfway
}

// A Ladder is the steps of a thing's life in order. Climbing it creates the
// thing, or repairs it; descending it deletes the thing, or clears up after it.
type Ladder[T any] []Step[T]

// Stuck says at which step a climb or descent stopped.
type Stuck struct {
	Step string
	Err  error
}

func (s *Stuck) Error() string { return s.Step + ": " + s.Err.Error() }
func (s *Stuck) Unwrap() error { return s.Err }

// Climb makes the steps hold, lowest first, and stops at the first that will not.
func (l Ladder[T]) Climb(ctx context.Context, t T) error {
	for _, s := range l {
		ok, err := s.Holds(ctx, t)
		if err == nil && !ok && s.Make != nil {
			err = s.Make(ctx, t)
		}
		if err != nil {
			return &Stuck{s.Name, err}
		}
	}
	return nil
}

// Descend removes the steps, highest first.
func (l Ladder[T]) Descend(ctx context.Context, t T) error {
	for _, s := range slices.Backward(l) {
		if s.Remove == nil {
			continue
		}
		if err := s.Remove(ctx, t); err != nil {
			return &Stuck{"removing " + s.Name, err}
		}
	}
	return nil
}

// After is the steps above the named one.
func (l Ladder[T]) After(name string) Ladder[T] {
	return l[slices.IndexFunc(l, func(s Step[T]) bool { return s.Name == name })+1:]
}

// Lowest names the lowest step that does not hold; "" when all do.
func (l Ladder[T]) Lowest(ctx context.Context, t T) (string, error) {
	for _, s := range l {
		if ok, err := s.Holds(ctx, t); err != nil || !ok {
			return s.Name, err
		}
	}
	return "", nil
}

// Later is the error of a step that goes on elsewhere: look again after this long.
type Later time.Duration

func (d Later) Error() string { return "look again in " + time.Duration(d).String() }

// IsLater finds a Later in err's chain.
func IsLater(err error) (time.Duration, bool) {
	var d Later
	ok := errors.As(err, &d)
	return time.Duration(d), ok
}

// Final is an error that trying again cannot mend.
type Final struct{ Err error }

func (f Final) Error() string { return f.Err.Error() }
func (f Final) Unwrap() error { return f.Err }

// Finalf makes a Final with a formatted text.
func Finalf(format string, args ...any) error { return Final{fmt.Errorf(format, args...)} }

// IsFinal finds a Final in err's chain.
func IsFinal(err error) bool { var f Final; return errors.As(err, &f) }
