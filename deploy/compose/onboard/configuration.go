package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/regpay/regpay/deploy/onboarding"
	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/config"
)

// configuration is the installation that has every hospital of the manifest.
func (c command) configuration(m stack.Manifest) (config.Config, error) {
	installation := config.Config{
		Temporal: config.Temporal{Address: c.Temporal, Namespace: "regpay"},
		Database: config.Database{DSNFile: filepath.Join(c.Secrets, "regpay_dsn")},
		HTTP: config.HTTP{
			Listen: c.Listen, PublicURL: c.PublicURL, UIOrigin: c.UIOrigin,
			CodecTokenFile: filepath.Join(c.Secrets, "regpay_codec_token"),
		},
		Encryption: config.Encryption{
			Active: "k1", Keys: []config.EncryptionKey{{ID: "k1", File: c.Key}},
			IndexKeyFile: filepath.Join(c.Secrets, "regpay_index_key"),
		},
	}
	// Files are named relative to the configuration's own folder, which is the
	// sandbox's: each container may see it elsewhere.
	for _, h := range onboarding.Hospitals(m, onboarding.Terms{}) {
		h.CallbackSecretFile = h.ID + "/callback_secret"
		if err := keepSecret(m.File(h.CallbackSecretFile)); err != nil {
			return config.Config{}, err
		}
		installation.Hospitals = append(installation.Hospitals, h)
	}
	return installation, nil
}

// keepSecret makes a secret unless it is there.
func keepSecret(path string) error {
	_, err := os.Stat(path)
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make a callback secret: %w", err)
	}
	if err := os.WriteFile(path, []byte(strings.ToLower(rand.Text()+rand.Text())+"\n"), 0o600); err != nil {
		return fmt.Errorf("make a callback secret: %w", err)
	}
	return nil
}
