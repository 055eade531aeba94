package doctor

import (
	"context"
	"fmt"
	"time"
)

// States of a finding, the worst last.
const (
	Well    = "well"
	Mended  = "mended"
	Warning = "warning"
	Ill     = "ill"
)

// A Finding is what a check found on a host.
type Finding struct {
	Host  string `json:"host"`
	Check string `json:"check"`
	State string `json:"state"`
	Words string `json:"words"`
}

// A Check is one thing that may be wrong. Mend is nil where only people can help.
type Check struct {
	Name string
	Look func(ctx context.Context) (state, words string)
	Mend func(ctx context.Context) error
}

// most is how long a check may look.
const most = 30 * time.Second

// Examine does the checks in order. What is ill is mended where it can be and repair asks
// for it, and looked at once more.
func Examine(ctx context.Context, host string, checks []Check, repair bool) (all []Finding) {
	for _, c := range checks {
		f := Finding{Host: host, Check: c.Name}
		f.State, f.Words = c.look(ctx)
		if f.State == Ill && repair && c.Mend != nil {
			f = c.mend(ctx, f)
		}
		if f.State == Ill && !repair && c.Mend != nil {
			f.Words += " (--repair mends it)"
		}
		all = append(all, f)
	}
	return all
}

func (c Check) look(ctx context.Context) (state, words string) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return c.Look(ctx)
}

func (c Check) mend(ctx context.Context, f Finding) Finding {
	was := f.Words
	if err := c.Mend(ctx); err != nil {
		f.Words += fmt.Sprintf("; it could not be mended: %v", err)
		return f
	}
	if f.State, f.Words = c.look(ctx); f.State != Ill {
		f.State, f.Words = Mended, "it was: "+was
	}
	return f
}

// Sick tells whether anything is ill.
func Sick(all []Finding) bool {
	for _, f := range all {
		if f.State == Ill {
			return true
		}
	}
	return false
}
