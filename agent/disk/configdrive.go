package disk

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"

	"stackd/agent/wish"
)

// Configured reports whether the config drive is there, or none is wished.
func (s *Store) Configured(v wish.Server) (bool, error) {
	if !v.ConfigDrive {
		return true, nil
	}
	return there(s.configPath(v))
}

func (s *Store) configPath(v wish.Server) string {
	return s.moved(v, s.file(v.ID, "disk.config", v.Rebuilds))
}

// Configure makes the config drive: an ISO that holds the server's metadata.
func (s *Store) Configure(_ context.Context, v wish.Server) error {
	if !v.ConfigDrive {
		return nil
	}
	tree, err := os.MkdirTemp("", "stackd-config-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tree)
	files, err := driveFiles(v.Metadata)
	if err != nil {
		return err
	}
	for name, content := range files {
		at := filepath.Join(tree, filepath.Clean("/"+name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, content, 0o644)); err != nil {
			return err
		}
	}
	return writeISO(s.configPath(v), tree, "config-2")
}

// driveFiles are the metadata as a config drive has it: the EC2 dialect is one
// JSON document there.
func driveFiles(m wish.Metadata) (map[string][]byte, error) {
	files := map[string][]byte{}
	ec2 := map[string]any{}
	const values = "ec2/latest/meta-data/"
	for name, content := range m {
		if rest, ok := strings.CutPrefix(name, values); ok {
			plant(ec2, rest, string(content))
		} else {
			files[name] = content
		}
	}
	if len(ec2) == 0 {
		return files, nil
	}
	text, err := json.Marshal(ec2)
	files["ec2/latest/meta-data.json"] = text
	return files, err
}

// plant puts a leaf into the tree; "a/b/c" is below "a" and "b".
func plant(tree map[string]any, name, value string) {
	dir, leaf := path.Split(name)
	for part := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		if part == "" {
			continue
		}
		below, ok := tree[part].(map[string]any)
		if !ok {
			below = map[string]any{}
			tree[part] = below
		}
		tree = below
	}
	if _, taken := tree[leaf]; !taken {
		tree[leaf] = value
	}
}

// writeISO writes the tree as an ISO 9660 image with Rock Ridge names.
func writeISO(to, tree, label string) error {
	tmp := to + ".new"
	_ = os.Remove(tmp)
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	iso, err := iso9660.Create(file.New(f, false), 0, 0, 2048, tree)
	if err == nil {
		err = iso.Finalize(iso9660.FinalizeOptions{RockRidge: true, Joliet: true, VolumeIdentifier: label})
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, to)
}
