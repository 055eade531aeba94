package libvirt

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	lv "github.com/digitalocean/go-libvirt"

	"stackd/agent/wish"
	"stackd/internal/converge"
)

// A pushed backup is QEMU's own copy of one disk, as it was when the job began
// (libvirt: "Backup XML format", mode push).
type pushed struct {
	XMLName xml.Name     `xml:"domainbackup"`
	Mode    string       `xml:"mode,attr"`
	Disks   []pushedDisk `xml:"disks>disk"`
}

type pushedDisk struct {
	Name   string     `xml:"name,attr"`
	Backup string     `xml:"backup,attr"`
	Type   string     `xml:"type,attr"`
	Driver typed      `xml:"driver"`
	Target pushedFile `xml:"target"`
}

type pushedFile struct {
	File string `xml:"file,attr"`
}

// CopyDisk copies an attached volume, as it is at one instant, into a raw file that
// is there and as large. A guest that is off is not in the way of a plain copy.
func (h *Hypervisor) CopyDisk(ctx context.Context, id string, v, where wish.Disk) error {
	if where.Kind != "file" || v.Kind != "file" {
		return fmt.Errorf("a disk of kind %q cannot be copied to one of kind %q", v.Kind, where.Kind)
	}
	from, to := v.Source["path"], where.Source["path"]
	return h.copyTo(ctx, id, disk{Source: diskSource{File: from}, Driver: diskDriver{Type: cmp.Or(v.Source["format"], "raw")}}, to, "raw", lv.DomainBackupBeginReuseExternal)
}

// Capture is the root disk at one instant, as a qcow2 file without a backing file;
// closing it takes the file away.
func (h *Hypervisor) Capture(ctx context.Context, id string) (io.ReadCloser, error) {
	root, err := h.rootDisk(id)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(filepath.Dir(root.Source.File), "capture.qcow2")
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) { // of one that was cut off
		return nil, err
	}
	if err := h.copyTo(ctx, id, root, file, "qcow2", 0); err != nil {
		return nil, errors.Join(err, os.Remove(file))
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	return passing{f}, nil
}

// passing is a file that goes when it is closed.
type passing struct{ *os.File }

func (p passing) Close() error { return errors.Join(p.File.Close(), os.Remove(p.Name())) }

func (h *Hypervisor) rootDisk(id string) (disk, error) {
	doc, err := h.document(id)
	if err != nil {
		return disk{}, err
	}
	for _, d := range doc.Devices.Disks {
		if d.Device == "disk" && d.Serial == "" && d.Source.File != "" {
			return d, nil
		}
	}
	return disk{}, errors.New("the guest has no root disk of its own")
}

// copyTo copies the disk by way of the guest that has it open, or as it lies there. A
// guest is copied from once at a time: libvirt has no more than one such job for each.
func (h *Hypervisor) copyTo(ctx context.Context, id string, from disk, file, format string, flags lv.DomainBackupBeginFlags) error {
	turn, _ := h.copies.LoadOrStore(id, make(chan struct{}, 1))
	select {
	case turn.(chan struct{}) <- struct{}{}:
		defer func() { <-turn.(chan struct{}) }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return h.with(id, "copy the disk", func(c *lv.Libvirt, d lv.Domain) error {
		g, err := h.look(c, d)
		if err != nil {
			return err
		}
		if !g.Active() {
			return convert(ctx, from, file, format, flags != 0)
		}
		doc, err := readDomain(c, d)
		if err != nil {
			return err
		}
		for _, one := range doc.Devices.Disks {
			switch {
			case one.Source.File != from.Source.File:
			case one.Source.Encryption != nil: // QEMU would write what is inside, in the clear
				return converge.Finalf("an encrypted disk of a running guest is not copied")
			default:
				return push(ctx, c, d, pushedDisk{Name: one.Target.Dev, Backup: "yes", Type: "file", Driver: typed{format}, Target: pushedFile{file}}, flags)
			}
		}
		return convert(ctx, from, file, format, flags != 0) // promised, and not attached yet
	})
}

// push has QEMU copy, and waits. A job that an earlier process left behind is aborted.
func push(ctx context.Context, c *lv.Libvirt, d lv.Domain, what pushedDisk, flags lv.DomainBackupBeginFlags) error {
	text, err := xml.Marshal(pushed{Mode: "push", Disks: []pushedDisk{what}})
	if err != nil {
		return err
	}
	if kind, _, err := c.DomainGetJobStats(d, 0); err == nil && lv.DomainJobType(kind) != lv.DomainJobNone {
		_ = c.DomainAbortJob(d)
	}
	if err := c.DomainBackupBegin(d, string(text), nil, flags); err != nil {
		return err
	}
	for {
		kind, _, err := c.DomainGetJobStats(d, 0)
		switch {
		case err != nil:
			return err
		case lv.DomainJobType(kind) == lv.DomainJobNone:
			return ended(c, d)
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), c.DomainAbortJob(d))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func ended(c *lv.Libvirt, d lv.Domain) error {
	kind, _, err := c.DomainGetJobStats(d, lv.DomainJobStatsCompleted)
	if err == nil && lv.DomainJobType(kind) != lv.DomainJobCompleted {
		err = fmt.Errorf("the copy ended as %d", kind)
	}
	return err
}

// convert copies the disk of a guest that does not run.
func convert(ctx context.Context, d disk, file, format string, there bool) error {
	args := []string{"convert", "-f", d.Driver.Type, "-O", format}
	if there {
		args = append(args, "-n")
	}
	out, err := exec.CommandContext(ctx, "qemu-img", append(args, d.Source.File, file)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("qemu-img convert: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
