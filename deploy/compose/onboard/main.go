// Command onboard turns what the sandbox's counterparties handed out into
// regpay's configuration, as a person does with the letters of the real ones.
// It is for the compose profile "sandbox" alone: the file is written beside the
// sandbox's keys, in the volume that both sides share.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/alecthomas/kong"

	"github.com/regpay/regpay/deploy/onboarding"
	"github.com/regpay/regpay/deploy/stack"
)

type command struct {
	Dir       string        `help:"The sandbox's folder." default:"/sandbox" env:"SANDBOX_DIR" type:"path"`
	Temporal  string        `help:"Address of Temporal." default:"temporal:7233"`
	Listen    string        `help:"Where the API listens." default:"0.0.0.0:8080"`
	PublicURL string        `help:"Where the counterparties reach the API." default:"http://starter:8080"`
	UIOrigin  string        `name:"ui-origin" help:"Origin of Temporal's UI, as the browser sees it." default:"http://127.0.0.1:8233" env:"REGPAY_UI_ORIGIN"`
	Secrets   string        `help:"Folder with regpay_dsn, regpay_index_key and regpay_codec_token." default:"/run/secrets"`
	Key       string        `help:"File of the encryption key k1." default:"/run/regpay/keys/k1"`
	Patience  time.Duration `help:"How long to wait for the manifest." default:"30s"`
}

func main() {
	var c command
	kong.Parse(&c, kong.Name("onboard"), kong.Description("Writes regpay's configuration for the sandbox."))
	ctx, cancel := context.WithTimeout(context.Background(), c.Patience)
	defer cancel()
	path, err := c.run(ctx)
	if err != nil {
		cancel()
		fmt.Fprintln(os.Stderr, "onboard:", err)
		os.Exit(1)
	}
	fmt.Println("wrote", path)
}

// run waits for the manifest, which the sandbox writes when everything listens,
// and writes the configuration.
func (c command) run(ctx context.Context) (string, error) {
	m, err := stack.ReadManifest(c.Dir)
	for err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(200 * time.Millisecond):
		}
		m, err = stack.ReadManifest(c.Dir)
	}
	installation, err := c.configuration(m)
	if err != nil {
		return "", err
	}
	path := filepath.Join(c.Dir, "regpay.yaml")
	return path, onboarding.Write(installation, path)
}
