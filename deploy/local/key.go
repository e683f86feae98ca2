package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

const keyTimeout = 30 * time.Second

// NewKey makes an API key by regpay's own command line and returns its secret.
// It is run apart from the stack, whose processes' output goes into logs.
func (in *Installation) NewKey(ctx context.Context, name string, hospitals []string, staff bool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, keyTimeout)
	defer cancel()
	args := []string{"key", "create", name, "--log", "error", "--json"}
	for _, h := range hospitals {
		args = append(args, "--hospital", h)
	}
	if staff {
		args = append(args, "--staff")
	}
	cmd := in.Starter(ctx, "", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("make an API key: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	var made struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(stdout.Bytes(), &made); err != nil {
		return "", fmt.Errorf("make an API key: %w", err)
	}
	if made.Key == "" {
		return "", errors.New("make an API key: the command printed none")
	}
	return made.Key, nil
}

// Starter is regpay's own command line, as somebody runs it at this installation
// who has an API key, or none. The key is in the environment, not in the
// arguments, which every user of the machine can read.
func (in *Installation) Starter(ctx context.Context, key string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, in.Stack.Endpoints().Binary("starter"), args...)
	cmd.Env = append(quietEnvironment(os.Environ()), "REGPAY_SERVER="+in.APIBase, "REGPAY_API_KEY="+key, "REGPAY_CONFIG="+in.ConfigPath)
	return cmd
}

// quietEnvironment leaves out what is meant for other servers.
func quietEnvironment(all []string) []string {
	var kept []string
	for _, entry := range all {
		name, _, _ := strings.Cut(entry, "=")
		switch {
		case strings.HasPrefix(name, "TEMPORAL_"), strings.HasPrefix(name, "REGPAY_"),
			strings.HasPrefix(name, "PG"), name == "DATABASE_URL":
		default:
			kept = append(kept, entry)
		}
	}
	return kept
}
