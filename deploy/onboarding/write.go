package onboarding

import (
	"fmt"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"github.com/regpay/regpay/internal/config"
)

// Write keeps a configuration in a file for its owner alone. A reader sees the
// old file or the new one. What no process could read is an error here, not in
// each of the processes.
func Write(c config.Config, path string) error {
	text, err := yaml.Marshal(c)
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	if _, err := config.Parse(text); err != nil {
		return fmt.Errorf("the configuration made for %s: %w", filepath.Base(path), err)
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}
