// Command sandbox plays the parties that a hospital's payments depend on:
// WeChat Pay, UnionPay, the insurance platform, the HIS, and the identity
// services, with an admin interface to read their books, to break them, and to
// tell the patients what to do.
//
// It needs nothing but a directory: keys and certificates are generated there at
// the first start, and onboarding.json in it says where everything listens and
// what each hospital was given.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/regpay/regpay/internal/sandbox"
)

type options struct {
	Dir           string   `help:"Directory for keys, certificates and onboarding.json." default:".sandbox" type:"path" env:"SANDBOX_DIR"`
	Hospital      []string `help:"Id of a hospital to onboard; may be repeated." default:"h-renmin"`
	Admin         string   `help:"Address of the admin interface and the books." default:"127.0.0.1:9100"`
	WeChat        string   `name:"wechat" help:"Address of WeChat Pay." default:"127.0.0.1:9101"`
	UnionPay      string   `name:"unionpay" help:"Address of UnionPay." default:"127.0.0.1:9102"`
	Insurance     string   `help:"Address of the insurance platform." default:"127.0.0.1:9103"`
	HIS           string   `name:"his" help:"Address of the HIS." default:"127.0.0.1:9104"`
	Identity      string   `help:"Address of SMS and face verification." default:"127.0.0.1:9105"`
	Seed          uint64   `help:"Start of the repeatable random choices: faults and patients." default:"1"`
	NotifyScale   float64  `help:"Factor on the repeat schedules of notifications: 1 is the real hours, 0.001 turns a minute into 60 ms." default:"1"`
	WeChatMode    string   `name:"wechat-mode" help:"How merchants verify WeChat Pay: public_key, certificate, or by turns." enum:"by_turns,public_key,certificate" default:"by_turns"`
	NoSMSLimits   bool     `name:"no-sms-limits" help:"Let any phone number receive any number of codes, for load tests."`
	AllowRemote   bool     `help:"Listen on, and send notifications to, addresses that are not loopback. Never on an open network: the admin interface has no authentication."`
	AdvertiseHost string   `help:"Host to write into onboarding.json instead of the listening address." placeholder:"NAME"`
	Verbose       bool     `help:"Log every delivery." short:"v"`
}

// unobtrusive keeps the sandbox from getting in the way of what shares its
// machine and is measured against it: the collector runs seldom, and one
// processor will do.
func unobtrusive() {
	const gcPercent = 400
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(runtime.NumCPU()/2, 1))
	}
}

func main() {
	unobtrusive()
	var o options
	kong.Parse(&o, kong.Name("sandbox"),
		kong.Description("The counterparties of a hospital's payments, for development and tests."), kong.UsageOnError())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, o options, stdout, stderr io.Writer) error {
	if !(o.NotifyScale > 0) {
		return errors.New("--notify-scale must be above zero")
	}
	level := slog.LevelInfo
	if o.Verbose {
		level = slog.LevelDebug
	}
	env, err := sandbox.NewEnv(sandbox.EnvOptions{Dir: o.Dir, Seed: o.Seed, NotifyScale: o.NotifyScale, AllowRemote: o.AllowRemote,
		Log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))})
	if err != nil {
		return err
	}
	served, err := counterparties(env, o)
	if err != nil {
		env.Close()
		return err
	}
	// The directory is full of keys: keep it out of any repository it is put in.
	if err := env.Files.Write(".gitignore", []byte("*\n")); err != nil {
		env.Close()
		return err
	}
	return sandbox.Run(ctx, sandbox.Config{
		Env: env, Counterparties: served, Hospitals: o.Hospital, AdminAddress: o.Admin,
		AdvertiseHost: o.AdvertiseHost, AllowRemote: o.AllowRemote,
		Ready: func(m sandbox.Manifest) { announce(stdout, o, m) },
	})
}

func announce(w io.Writer, o options, m sandbox.Manifest) {
	fmt.Fprintln(w, "The sandbox is ready.")
	for _, name := range slices.Sorted(maps.Keys(m.Endpoints)) {
		fmt.Fprintf(w, "  %-10s %s\n", name, m.Endpoints[name])
	}
	fmt.Fprintf(w, "  books      %s/books\n", m.Endpoints["admin"])
	fmt.Fprintf(w, "  hospitals  %v\n", slices.Sorted(maps.Keys(m.Hospitals)))
	fmt.Fprintf(w, "  manifest   %s\n", filepath.Join(o.Dir, sandbox.ManifestFile))
}
