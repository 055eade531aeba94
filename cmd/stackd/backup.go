package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stackd/agent/daemon"
	"stackd/internal/archive"
	"stackd/internal/sqldb"

	"github.com/spf13/cobra"
)

// What a backup calls the database and OVN's; all else has the name it has in the folder.
const dbPart, nbPart = "stackd.db", "ovn/nb.db"

// kept are the files of a cloud's folder that are not made anew by themselves.
var keptFiles = []string{"master.key", "cloud.json", "stackd.yaml", "policy.yaml", "clouds.yaml", "keystonerc_*", "tls/*"}

func backupCommand() *cobra.Command {
	b := &backup{}
	c := &cobra.Command{Use: "backup FILE", Short: "Keep the whole state of the control plane in a file", Args: cobra.ExactArgs(1),
		Long: `Keep the whole state of the control plane in one file: the database (a snapshot of one
instant, while the cloud runs), the master key, settings, policies, credentials, certificates
and OVN's northbound database. With --images the images too. Disks of servers, volumes and
volume backups are not in it.

The file opens the cloud to whoever has it: it holds the master key and the passwords.
A cloud on PostgreSQL keeps its database with pg_dump; --without-database keeps the rest.`,
		Example: "  stackd backup /backups/cloud-$(date +%F)\n  stackd restore /backups/cloud-2026-01-31",
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOutput(b.output); err != nil {
				return err
			}
			m, err := b.make(c.Context(), args[0])
			if err != nil {
				return err
			}
			return b.tell(c, args[0], m)
		}}
	f := c.Flags()
	f.StringVar(&b.data, "data", "/var/lib/stackd", "folder of the cloud")
	f.BoolVar(&b.images, "images", false, "keep the images too, where they are files of the folder")
	f.BoolVar(&b.without, "without-database", false, "keep all but the database")
	f.StringVar(&b.output, "output", "text", "text or json")
	return c
}

type backup struct {
	data, output    string
	images, without bool
}

func (b *backup) make(ctx context.Context, file string) (m archive.Manifest, err error) {
	o, err := load(b.data)
	if err != nil {
		return m, err
	}
	work, err := os.MkdirTemp(o.Data, "backup-") // near, so that there is no second copy on a small /tmp
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(work)
	var sources []archive.Source
	if !b.without {
		db := filepath.Join(work, "db")
		if err := snapshot(ctx, o.Database, db); err != nil {
			return m, err
		}
		sources = append(sources, archive.Source{Name: dbPart, Path: db})
	}
	if o.packets() {
		nb := filepath.Join(work, "nb")
		there, err := daemon.KeepNetworks(ctx, o.daemons(), nb)
		if err != nil {
			return m, fmt.Errorf("OVN's northbound database: %w", err)
		}
		if there {
			sources = append(sources, archive.Source{Name: nbPart, Path: nb})
		}
	}
	files, err := b.files(o.Data)
	if err != nil {
		return m, err
	}
	m = archive.Manifest{What: "stackd of " + o.Host, Maker: version(), MadeAt: time.Now().UTC()}
	return archive.Write(file, m, append(sources, files...))
}

func snapshot(ctx context.Context, where, file string) error {
	db, err := sqldb.Open(ctx, where)
	if err != nil {
		return err
	}
	defer db.Close()
	err = db.Snapshot(ctx, file)
	if errors.Is(err, sqldb.ErrNoSnapshot) {
		err = fmt.Errorf("%w, and all else with --without-database", err)
	}
	return err
}

// files are those of the folder that are kept as they are.
func (b *backup) files(data string) (all []archive.Source, err error) {
	patterns := keptFiles
	if b.images {
		patterns = append(patterns[:len(patterns):len(patterns)], "images", "images-*")
	}
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(data, p))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if base := filepath.Base(f); base == "images-staging" || base == "images-cache" {
				continue
			}
			err := filepath.WalkDir(f, func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					name, _ := filepath.Rel(data, path)
					all = append(all, archive.Source{Name: name, Path: path})
				}
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (b *backup) tell(c *cobra.Command, file string, m archive.Manifest) error {
	st, err := os.Stat(file)
	if err != nil {
		return err
	}
	if b.output == "json" {
		return json.NewEncoder(c.OutOrStdout()).Encode(map[string]any{"file": file, "size": st.Size(), "parts": m.Parts, "made_at": m.MadeAt, "images": b.images, "database": !b.without})
	}
	images := "Images are not in it (--images keeps them)."
	if b.images {
		images = "Images are in it."
	}
	fmt.Fprintf(c.OutOrStdout(), "%s holds %d files of the control plane, %d KiB. %s\nDisks of servers, volumes and volume backups are not in it. Whoever has it has the cloud: keep it safe.\n", file, len(m.Parts), st.Size()>>10, images)
	return nil
}

// under tells whether a file is below a folder, and what it is called there.
func under(dir, file string) (string, bool) {
	rel, err := filepath.Rel(dir, file)
	return rel, err == nil && filepath.IsLocal(rel) && !strings.HasPrefix(rel, "..")
}
