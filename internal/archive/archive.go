// Package archive keeps files in one file, so that a file that is damaged or half
// written is known for one before anything is taken out of it.
//
// It is a tar in gzip: any tar reads it. Its last member, manifest.json, says what the
// others are, with their sums.
package archive

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"
)

const manifestName = "manifest.json"

// A Manifest says what is in an archive.
type Manifest struct {
	Format int       `json:"format"`
	What   string    `json:"what"`    // what it is of, for people
	Maker  string    `json:"program"` // the version of the program that made it
	MadeAt time.Time `json:"made_at"`
	Parts  []Part    `json:"parts"`
}

// A Part is a file in an archive, by the path that it has in the folder it is from.
type Part struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// A Source is a file that goes into an archive under a name.
type Source struct{ Name, Path string }

// Write makes an archive that only its owner reads. The file is there whole or not at all.
func Write(file string, m Manifest, sources []Source) (Manifest, error) {
	fresh := file + ".part"
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return m, err
	}
	defer os.Remove(fresh)
	zip, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return m, err
	}
	out := tar.NewWriter(zip)
	m.Format = 1
	for _, s := range sources {
		p, err := add(out, s)
		if err != nil {
			return m, errors.Join(fmt.Errorf("%s: %w", s.Path, err), f.Close())
		}
		m.Parts = append(m.Parts, p)
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		err = out.WriteHeader(&tar.Header{Name: manifestName, Mode: 0o600, Size: int64(len(b)), ModTime: m.MadeAt})
	}
	if err == nil {
		_, err = out.Write(b)
	}
	err = errors.Join(err, out.Close(), zip.Close(), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(fresh, file)
	}
	return m, err
}

func add(out *tar.Writer, s Source) (Part, error) {
	f, err := os.Open(s.Path)
	if err != nil {
		return Part{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Part{}, err
	}
	err = out.WriteHeader(&tar.Header{Name: s.Name, Mode: int64(st.Mode().Perm()), Size: st.Size(), ModTime: st.ModTime()})
	if err != nil {
		return Part{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, sum), f)
	return Part{s.Name, n, hexOf(sum)}, err
}

func hexOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// Check reads a whole archive, and gives its manifest when every part is as it says.
func Check(file string) (Manifest, error) {
	var m Manifest
	seen, told := map[string]Part{}, false
	err := each(file, func(h *tar.Header, in io.Reader) error {
		if h.Name == manifestName {
			told = true
			return json.NewDecoder(in).Decode(&m)
		}
		if !filepath.IsLocal(h.Name) || h.Typeflag != tar.TypeReg {
			return fmt.Errorf("%s is no plain file below the folder", h.Name)
		}
		sum := sha256.New()
		n, err := io.Copy(sum, in)
		seen[h.Name] = Part{h.Name, n, hexOf(sum)}
		return err
	})
	switch {
	case err != nil:
		return m, fmt.Errorf("%s is damaged or no backup: %w", file, err)
	case !told || m.Format != 1 || len(m.Parts) != len(seen):
		return m, fmt.Errorf("%s is not a whole backup of a kind that is known", file)
	}
	for _, p := range m.Parts {
		if seen[p.Name] != p {
			return m, fmt.Errorf("%s is damaged: %s is not as it was", file, p.Name)
		}
	}
	return m, nil
}

// Extract writes the parts below a folder, with the permissions they had.
func Extract(file, dir string) error {
	return each(file, func(h *tar.Header, in io.Reader) error {
		if h.Name == manifestName {
			return nil
		}
		if !filepath.IsLocal(h.Name) || h.Typeflag != tar.TypeReg {
			return fmt.Errorf("%s is no plain file below the folder", h.Name)
		}
		to := filepath.Join(dir, h.Name)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		f, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, os.FileMode(h.Mode).Perm())
		if err != nil {
			return err
		}
		_, err = io.Copy(f, in)
		return errors.Join(err, f.Sync(), f.Close())
	})
}

func each(file string, do func(*tar.Header, io.Reader) error) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for in := tar.NewReader(zip); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, zip) // its sum is at the end
			return err
		}
		if err == nil {
			err = do(h, in)
		}
		if err != nil {
			return err
		}
	}
}
