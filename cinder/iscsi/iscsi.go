package iscsi

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"

	"stackd/cinder"
	"stackd/cinder/raw"
)

// Options say where targets are reached.
type Options struct {
	Address string // host:port that the daemon listens at
	Dir     string // a folder for its socket and a lock
	Netns   string // a network namespace's file; "" is this process's
	Key     []byte // passwords are made of
}

// Exported is a backend whose volumes are reached over iSCSI. What it is made over must
// Connect with kind "file": the path of a file or block device.
type Exported struct {
	cinder.Backend
	o Options
	d tgtd
}

var (
	_ cinder.Backend   = (*Exported)(nil)
	_ cinder.Keyed     = (*Exported)(nil)
	_ cinder.Exporting = (*Exported)(nil)
	_ cinder.Tidied    = (*Exported)(nil)
)

// Over exports a backend's volumes; the daemon is started when the first is.
func Over(b cinder.Backend, o Options) (*Exported, error) {
	if len(o.Key) == 0 {
		return nil, errors.New("iSCSI: there is no key to make passwords of")
	}
	return &Exported{b, o, tgtd{o.Dir, o.Address, o.Netns}}, os.MkdirAll(o.Dir, 0o700)
}

// Features are the backend's, over iSCSI.
func (x *Exported) Features() cinder.Features {
	f := x.Backend.Features()
	f.Protocol = "iSCSI"
	return f
}

const prefix = "iqn.2010-10.org.openstack:volume-"

// account is a holder's user name, and the end of its target's name.
func account(holder string) string {
	sum := sha256.Sum256([]byte(holder))
	return hex.EncodeToString(sum[:10])
}

func targetName(volume, holder string) string { return prefix + volume + "." + account(holder) }

// Secret is a holder's password.
func (x *Exported) Secret(_ context.Context, volume, holder string) (string, error) {
	return x.password(targetName(volume, holder)), nil
}

// password is a target's: 16 signs, as long as initiators of every make take.
func (x *Exported) password(target string) string {
	m := hmac.New(sha256.New, x.o.Key)
	m.Write([]byte(target))
	return base32.StdEncoding.EncodeToString(m.Sum(nil))[:16]
}

// alone has one at a time change the daemon's targets, in all processes.
func (x *Exported) alone(ctx context.Context, f func() error) error {
	l, err := raw.Take(ctx, filepath.Join(x.o.Dir, ".targets"), "tgtd")
	if err != nil {
		return err
	}
	defer l.Close()
	return f()
}

func (x *Exported) Connect(ctx context.Context, volume, holder string) (string, map[string]string, error) {
	path, err := x.path(ctx, volume, holder)
	if err != nil {
		return "", nil, err
	}
	err = x.alone(ctx, func() error {
		if err := x.d.start(ctx); err != nil {
			return err
		}
		all, err := x.d.targets(ctx)
		if err != nil {
			return err
		}
		return x.export(ctx, all, volume, holder, path)
	})
	if err != nil {
		return "", nil, err
	}
	host, port, err := net.SplitHostPort(x.o.Address)
	return "iscsi", map[string]string{"host": host, "port": port, "target": targetName(volume, holder), "lun": "1", "username": account(holder)}, err
}

// path is where this machine has a volume.
func (x *Exported) path(ctx context.Context, volume, holder string) (string, error) {
	_, source, err := x.Backend.Connect(ctx, volume, holder)
	return source["path"], err
}

// export makes a holder's target unless it is there as it should be.
func (x *Exported) export(ctx context.Context, all map[string]target, volume, holder, path string) error {
	t, ok := all[targetName(volume, holder)]
	if ok && t.opened && t.path == path {
		return nil
	}
	if ok {
		if err := x.d.drop(ctx, t, account(holder)); err != nil {
			return err
		}
	} else {
		t = target{id: free(all), name: targetName(volume, holder)}
	}
	t.path, t.opened = path, true
	return x.d.make(ctx, t, account(holder), x.password(t.name))
}

// free is a number that no target has.
func free(all map[string]target) int32 {
	used := map[int32]bool{}
	for _, t := range all {
		used[t.id] = true
	}
	for n := int32(1); ; n++ {
		if !used[n] {
			return n
		}
	}
}

func (x *Exported) Disconnect(ctx context.Context, volume, holder string) error {
	err := x.Backend.Disconnect(ctx, volume, holder)
	if err != nil {
		return err
	}
	return x.alone(ctx, func() error {
		all, err := x.d.targets(ctx)
		if t, ok := all[targetName(volume, holder)]; ok && err == nil {
			err = x.d.drop(ctx, t, account(holder))
		}
		return err
	})
}

// Extend grows a volume; who has it open is shown the new size.
func (x *Exported) Extend(ctx context.Context, volume string, size int64) error {
	if err := x.Backend.Extend(ctx, volume, size); err != nil {
		return err
	}
	return x.alone(ctx, func() error {
		all, err := x.d.targets(ctx)
		if err == nil {
			err = x.renew(ctx, all, volume)
		}
		return err
	})
}

// renew makes the targets again that show their volume smaller than it is: those of one
// volume, or all when none is named.
func (x *Exported) renew(ctx context.Context, all map[string]target, volume string) error {
	for _, t := range all {
		of, user, _ := strings.Cut(strings.TrimPrefix(t.name, prefix), ".")
		if volume != "" && of != volume || !t.opened || !smaller(t) {
			continue
		}
		if err := x.d.drop(ctx, t, user); err != nil {
			return err
		}
		if err := x.d.make(ctx, t, user, x.password(t.name)); err != nil {
			return err
		}
	}
	return nil
}

// smaller tells whether a disk has grown since its target was made; volumes grow by
// whole GiB.
func smaller(t target) bool {
	d, err := raw.Open(t.path, os.O_RDONLY)
	if err != nil {
		return false
	}
	defer d.Close()
	return float64(d.Size())-t.size > cinder.GiB/2
}

// Keep is cinder.Exporting's.
func (x *Exported) Keep(ctx context.Context, volumes map[string]string) (again []string, err error) {
	if len(volumes) == 0 {
		return nil, nil
	}
	err = x.alone(ctx, func() error {
		if err := x.d.start(ctx); err != nil {
			return err
		}
		all, err := x.d.targets(ctx)
		if err == nil {
			err = x.renew(ctx, all, "")
		}
		if err != nil {
			return err
		}
		for holder, volume := range volumes {
			if t, ok := all[targetName(volume, holder)]; ok && t.opened {
				continue
			}
			path, err := x.path(ctx, volume, holder)
			if err == nil {
				err = x.export(ctx, all, volume, holder, path)
			}
			if err != nil {
				return err
			}
			if all, err = x.d.targets(ctx); err != nil {
				return err
			}
			again = append(again, holder)
		}
		return nil
	})
	return again, err
}

// Tidy is what the backend has to tidy.
func (x *Exported) Tidy(ctx context.Context) error {
	if t, ok := x.Backend.(cinder.Tidied); ok {
		return t.Tidy(ctx)
	}
	return nil
}
