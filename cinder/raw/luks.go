package raw

import (
	"context"
	"os"
	"strconv"
	"strings"

	"stackd/cinder"
)

// secret gives qemu-img the passphrase by its standard input: arguments are seen by all.
var secret = []string{"--object", "secret,id=key,file=/dev/stdin"}

// blankLUKS writes a container's header; the rest of a blank volume reads as noise.
func (f Fill) blankLUKS(ctx context.Context, passphrase []byte) error {
	out := f.Scratch + ".luks"
	defer os.Remove(out)
	if err := f.makeLUKS(ctx, out, 0, passphrase); err != nil {
		return err
	}
	return f.copyFrom(ctx, out)
}

// makeLUKS makes a container for a disk of so many bytes. Passphrases are long and by
// chance, so that stretching them would only cost time.
func (f Fill) makeLUKS(ctx context.Context, path string, payload int64, passphrase []byte) error {
	args := append([]string{"create", "-q"}, secret...)
	args = append(args, "-f", "luks", "-o", "key-secret=key,cipher-alg=aes-256,cipher-mode=xts,ivgen-alg=plain64,hash-alg=sha256,iter-time=10",
		path, strconv.FormatInt(payload, 10))
	for try := 1; ; try++ {
		if err := Gone(path); err != nil {
			return err
		}
		err := f.qemuImg(ctx, passphrase, args...)
		if err == nil || try == 10 || !strings.Contains(err.Error(), "accurate CPU usage") { // its clock stood still
			return err
		}
	}
}

// encrypted puts an image's disk into a container. Past the image's end a volume
// reads as noise.
func (f Fill) encrypted(ctx context.Context, s cinder.Source) error {
	format := formats[s.Format]
	if format == "" {
		return badFormat(s)
	}
	aside, out := f.Scratch+".image", f.Scratch+".luks"
	defer os.Remove(aside)
	defer os.Remove(out)
	inner := f
	inner.Size -= cinder.LUKSHeader
	size, err := inner.aside(ctx, aside, s)
	if err != nil {
		return err
	}
	if err := f.makeLUKS(ctx, out, size, s.Passphrase); err != nil {
		return err
	}
	args := append([]string{"convert", "-n"}, secret...)
	args = append(args, "--image-opts", "--target-image-opts", "driver="+format+",file.driver=file,file.filename="+Comma(aside),
		"driver=luks,key-secret=key,file.driver=file,file.filename="+Comma(out))
	if err := f.qemuImg(ctx, s.Passphrase, args...); err != nil {
		return err
	}
	return f.copyFrom(ctx, out)
}

// Comma doubles a file name's commas, as QEMU's options want it.
func Comma(path string) string {
	var b []byte
	for _, c := range []byte(path) {
		if c == ',' {
			b = append(b, ',')
		}
		b = append(b, c)
	}
	return string(b)
}
