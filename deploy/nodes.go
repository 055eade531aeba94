package deploy

import (
	"context"
	"errors"
	"fmt"
)

// Remove takes one compute host off the cloud: its servers are moved away, the host is
// given back as it was, and the control plane forgets it. The others' names are as they
// should be after the next Install without it.
//
// A host that cannot be reached is forgotten as well, but not cleaned, which is said. It
// must have no servers then; with evacuate they are built anew on other hosts.
func (r *Run) Remove(ctx context.Context, address string, evacuate bool) error {
	defer r.close()
	dead, err := r.beginWithout(ctx, address)
	if err != nil {
		return err
	}
	for _, h := range r.nodes() {
		switch {
		case h.Address != address:
		case dead != "":
			return r.forget(ctx, h, dead, evacuate)
		default:
			return r.takeOff(ctx, h, evacuate)
		}
	}
	return fmt.Errorf("%s is no compute host of this cloud beside its controller", address)
}

// beginWithout opens all hosts, of which one need not be there: why says why it is not.
func (r *Run) beginWithout(ctx context.Context, address string) (why string, err error) {
	if r.sum, err = sumOf(r.Program); err != nil {
		return "", err
	}
	r.keepSecrets()
	return why, r.phase(ctx, "Looking at the hosts", func(ctx context.Context) error {
		err := r.look(ctx)
		var lost *ErrHosts
		if errors.As(err, &lost) && len(lost.Failed) == 1 && lost.Failed[0].Host == address {
			why, err = lost.Failed[0].Words, nil
		}
		return err
	})
}

func (r *Run) takeOff(ctx context.Context, h *Host, evacuate bool) error {
	if err := r.drain(ctx, h, evacuate); err != nil {
		return err
	}
	err := r.phase(ctx, "Giving "+h.Name+" back as it was", func(ctx context.Context) error {
		if err := computing().Descend(ctx, h); err != nil {
			return err
		}
		return preparing().Descend(ctx, h)
	})
	if err != nil {
		return err
	}
	return r.forgotten(ctx, h)
}

// forget is takeOff of a host that cannot be reached. The names that all hosts have of one
// another say what it is called.
func (r *Run) forget(ctx context.Context, h *Host, why string, evacuate bool) (err error) {
	r.Screen.Say("%s: %s", h.Address, why)
	h.Name, err = r.controller().Shell.Run(ctx, "sed -n '/^# stackd:/,/^# :stackd/p' /etc/hosts | awk '$1 == \""+h.Address+"\" {print $NF}'", nil)
	if err == nil && h.Name == "" {
		err = fmt.Errorf("%s does not know the name of %s, so that it cannot be forgotten; give its name on a controller: stackd node remove NAME", r.controller().Address, h.Address)
	}
	if err == nil && evacuate {
		err = r.drain(ctx, h, true)
	}
	if err == nil {
		err = r.forgotten(ctx, h)
	}
	if err != nil {
		return err
	}
	r.Screen.Say("Host %s (%s) could not be given back as it was: it has its program, guests and disks still. Before it is on the cloud's networks again, empty its disk, or run there: stackd down", h.Address, h.Name)
	return nil
}

func (r *Run) drain(ctx context.Context, h *Host, evacuate bool) error {
	if evacuate {
		return r.say(ctx, "Building servers of "+h.Name+" anew on others", binary+" node drain "+quote(h.Name)+" --evacuate --timeout 30m --output json")
	}
	return r.say(ctx, "Moving servers off "+h.Name, binary+" node drain "+quote(h.Name)+" --output json")
}

func (r *Run) forgotten(ctx context.Context, h *Host) error {
	return r.say(ctx, "Forgetting "+h.Name, binary+" node remove "+quote(h.Name)+" 2>&1")
}

// say has the controller do something.
func (r *Run) say(ctx context.Context, title, script string) error {
	return r.phase(ctx, title, func(ctx context.Context) error {
		out, err := r.controller().Shell.Run(ctx, script, nil)
		r.log("%s: %s: %v", r.controller().Address, out, err)
		if err != nil && out != "" {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		return err
	})
}
