package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Files keeps what is generated once and must survive a restart: keys,
// certificates, secrets, merchant numbers. Paths are relative to the sandbox's
// directory, with forward slashes, as the onboarding manifest shows them; files
// are mode 0600, folders 0700. It is safe for concurrent use.
type Files struct {
	dir string
	mu  sync.Mutex
}

// NewFiles keeps files under dir, which is created when it is missing.
func NewFiles(dir string) (*Files, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the sandbox's directory: %w", err)
	}
	return &Files{dir: dir}, nil
}

// Dir is the directory that relative paths start from.
func (f *Files) Dir() string { return f.dir }

// LoadOrCreate returns the content of rel, writing what create returns when
// the file does not exist yet.
func (f *Files) LoadOrCreate(rel string, create func() ([]byte, error)) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path, err := f.path(rel)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if err == nil {
		return content, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading %s: %w", rel, err)
	}
	if content, err = create(); err != nil {
		return nil, fmt.Errorf("generating %s: %w", rel, err)
	}
	if err := writeAtomically(path, content); err != nil {
		return nil, fmt.Errorf("writing %s: %w", rel, err)
	}
	return content, nil
}

// Write replaces rel with content in one step.
func (f *Files) Write(rel string, content []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	path, err := f.path(rel)
	if err != nil {
		return err
	}
	if err := writeAtomically(path, content); err != nil {
		return fmt.Errorf("writing %s: %w", rel, err)
	}
	return nil
}

// Remove deletes rel; a missing file is no error.
func (f *Files) Remove(rel string) error {
	path, err := f.path(rel)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing %s: %w", rel, err)
	}
	return nil
}

// Secret is a text of n random bytes in lower hex (2n characters), kept in rel
// without a trailing newline.
func (f *Files) Secret(rel string, n int) (string, error) {
	content, err := f.LoadOrCreate(rel, func() ([]byte, error) {
		raw := make([]byte, n)
		if _, err := rand.Read(raw); err != nil {
			return nil, err
		}
		return []byte(hex.EncodeToString(raw)), nil
	})
	return strings.TrimSpace(string(content)), err
}

// RSAKey is an RSA key kept in rel as PKCS#8 PEM.
func (f *Files) RSAKey(rel string, bits int) (*rsa.PrivateKey, error) {
	content, err := f.LoadOrCreate(rel, func() ([]byte, error) {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
	})
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("reading %s: no PEM block", rel)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", rel, err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("reading %s: not an RSA key", rel)
	}
	return key, nil
}

// JSON fills value from rel, or, when the file does not exist, lets create fill
// value and keeps it: for merchant numbers and serials.
func (f *Files) JSON(rel string, value any, create func() error) error {
	content, err := f.LoadOrCreate(rel, func() ([]byte, error) {
		if err := create(); err != nil {
			return nil, err
		}
		return json.MarshalIndent(value, "", " ")
	})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, value); err != nil {
		return fmt.Errorf("reading %s: %w", rel, err)
	}
	return nil
}

func (f *Files) path(rel string) (string, error) {
	local := filepath.FromSlash(rel)
	if !filepath.IsLocal(local) {
		return "", fmt.Errorf("path %q leaves the sandbox's directory", rel)
	}
	return filepath.Join(f.dir, local), nil
}

// writeAtomically makes a reader see the old file or the new one, never half.
func writeAtomically(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // CreateTemp's mode is 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(content); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
