package local

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// secrets are the files of what is secret to this installation alone, in a
// folder that is the owner's and goes when the stack is stopped.
type secrets struct{ dir string }

func newSecrets(dir string) (secrets, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return secrets{}, fmt.Errorf("make the folder of the configuration: %w", err)
	}
	return secrets{dir: dir}, nil
}

func (s secrets) path(name string) string { return filepath.Join(s.dir, name) }

// key generates n random bytes, in hex, and returns the file's path.
func (s secrets) key(name string, n int) (string, error) {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("make %s: %w", name, err)
	}
	return s.write(name, hex.EncodeToString(b))
}

// write keeps a secret that somebody else made.
func (s secrets) write(name, secret string) (string, error) {
	path := s.path(name)
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep a secret: %w", err)
	}
	return path, nil
}
