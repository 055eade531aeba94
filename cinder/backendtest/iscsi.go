package backendtest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// ReadISCSI reads the first n bytes of a disk that is exported so, as a guest's QEMU
// does. n is a multiple of 64 KiB; dir is a folder for the password.
func ReadISCSI(dir string, source map[string]string, n int) ([]byte, error) {
	key, out := filepath.Join(dir, "key"), filepath.Join(dir, "out")
	if err := os.WriteFile(key, []byte(source["password"]), 0o600); err != nil {
		return nil, err
	}
	node := "driver=iscsi,transport=tcp,password-secret=k,portal=" + source["host"] + ":" + source["port"] + ",target=" + source["target"] + ",lun=" + source["lun"] + ",user=" + source["username"]
	says, err := exec.Command("qemu-img", "dd", "-U", "--object", "secret,id=k,file="+key, "--image-opts", "if="+node, "of="+out, "bs=65536", "count="+strconv.Itoa(n/65536)).CombinedOutput()
	if err != nil {
		return nil, errors.Join(err, errors.New(string(says)))
	}
	return os.ReadFile(out)
}
