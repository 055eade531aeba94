package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"stackd/agent/daemon"
	"stackd/internal/archive"

	"github.com/spf13/cobra"
)

func restoreCommand() *cobra.Command {
	r := &restore{}
	c := &cobra.Command{Use: "restore FILE", Short: "Bring a control plane back from a backup", Args: cobra.ExactArgs(1),
		Long: `Bring a control plane back from what stackd backup kept. The control plane must not run;
daemons and guests may. The whole file is checked before anything is changed. A cloud that
is there already is only replaced with --replace: its files are put aside, not deleted.

The cloud is then what it was at the time of the backup. Servers that were made since are in
no row any more, and nodes end them; servers that were deleted since are tried again. A node
whose certificate was renewed since must be let in again (stackd node token --host NODE).`,
		Example: "  stackd restore /backups/cloud-2026-01-31\n  stackd restore /backups/cloud-2026-01-31 --replace --data /srv/cloud",
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOutput(r.output); err != nil {
				return err
			}
			m, aside, err := r.do(c.Context(), args[0])
			if err != nil {
				return err
			}
			if r.output == "json" {
				return json.NewEncoder(c.OutOrStdout()).Encode(map[string]any{"data": r.data, "made_at": m.MadeAt, "parts": len(m.Parts), "put_aside": aside})
			}
			fmt.Fprintf(c.OutOrStdout(), "The control plane in %s is as it was on %s. Start it as before.\n", r.data, m.MadeAt.Local().Format(time.DateTime))
			if aside != "" {
				fmt.Fprintf(c.OutOrStdout(), "What was there is in %s.\n", aside)
			}
			return nil
		}}
	f := c.Flags()
	f.StringVar(&r.data, "data", "/var/lib/stackd", "folder of the cloud")
	f.BoolVar(&r.replace, "replace", false, "put a cloud that is there aside")
	f.StringVar(&r.output, "output", "text", "text or json")
	return c
}

type restore struct {
	data, output string
	replace      bool
}

func (r *restore) do(ctx context.Context, file string) (m archive.Manifest, aside string, err error) {
	if r.data, err = filepath.Abs(r.data); err != nil {
		return m, "", err
	}
	if m, err = archive.Check(file); err != nil {
		return m, "", err
	}
	held, err := lock(&options{Data: r.data}) // nothing starts on it meanwhile
	if err != nil {
		return m, "", err
	}
	defer held.Close()
	fresh := filepath.Join(r.data, "restore.new")
	if err := os.RemoveAll(fresh); err != nil { // of one that was killed
		return m, "", err
	}
	if err := archive.Extract(file, fresh); err != nil {
		return m, "", err
	}
	defer os.RemoveAll(fresh)
	o, err := rehome(fresh, r.data)
	if err != nil {
		return m, "", err
	}
	if aside, err = r.putAside(o); err != nil {
		return m, "", err
	}
	return m, aside, r.moveIn(ctx, o, fresh, m)
}

// rehome reads the options in a backup, and makes them those of a cloud in data.
func rehome(fresh, data string) (*options, error) {
	o := &options{}
	b, err := os.ReadFile(filepath.Join(fresh, "cloud.json"))
	if err == nil {
		err = json.Unmarshal(b, o)
	}
	if err != nil {
		return nil, fmt.Errorf("the backup has no good cloud.json: %w", err)
	}
	if rel, ok := under(o.Data, o.Database); ok {
		o.Database = filepath.Join(data, rel)
	}
	o.Data = data
	b, err = json.MarshalIndent(o, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(fresh, "cloud.json"), append(b, '\n'), 0o600)
	}
	return o, err
}

// putAside moves the control state that is there into a folder beside it.
func (r *restore) putAside(o *options) (aside string, err error) {
	var there []string
	for _, p := range append([]string{"ovn/nb.db"}, keptFiles...) {
		found, err := filepath.Glob(filepath.Join(r.data, p))
		if err != nil {
			return "", err
		}
		there = append(there, found...)
	}
	for _, tail := range []string{"", "-wal", "-shm"} {
		if exists(o.Database + tail) {
			there = append(there, o.Database+tail)
		}
	}
	if len(there) == 0 {
		return "", nil
	}
	if !r.replace {
		return "", fmt.Errorf("there is a cloud in %s already; --replace puts it aside", r.data)
	}
	aside = filepath.Join(r.data, "before-restore-"+time.Now().Format("20060102-150405"))
	for _, f := range there {
		name, ok := under(r.data, f)
		if !ok {
			name = filepath.Base(f)
		}
		if name == nbPart { // its server may run, and is then told
			continue
		}
		to := filepath.Join(aside, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.Rename(f, to)); err != nil {
			return "", err
		}
	}
	return aside, nil
}

// moveIn puts what was taken out of the backup where it belongs, the database last.
func (r *restore) moveIn(ctx context.Context, o *options, fresh string, m archive.Manifest) error {
	database := false
	for _, p := range m.Parts {
		from, to := filepath.Join(fresh, p.Name), filepath.Join(r.data, p.Name)
		var err error
		switch p.Name {
		case dbPart:
			database = true
		case nbPart:
			err = daemon.RestoreNetworks(ctx, o.daemons(), from)
		default:
			err = errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.Rename(from, to))
		}
		if err != nil {
			return fmt.Errorf("%s: %w; run it again with --replace", p.Name, err)
		}
	}
	if !database {
		return nil
	}
	return os.Rename(filepath.Join(fresh, dbPart), o.Database)
}
