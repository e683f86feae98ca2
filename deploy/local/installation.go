package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/regpay/regpay/deploy/onboarding"
	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/internal/store"
)

// stopTimeout bounds the end of a stack whose start failed half-way.
const stopTimeout = time.Minute

// Installation is a running one. It is safe for concurrent use.
type Installation struct {
	// Stack has the processes: kill, freeze or restart them here.
	Stack *stack.Stack
	// API speaks for a booking backend of every hospital, Staff for support
	// staff, who may decide review cases.
	API, Staff *API
	// Sandbox is where the counterparties' books are and the patients act.
	Sandbox *Sandbox

	APIBase      string // base URL of the HTTP API
	UIAddress    string // of Temporal's UI; empty without the part UI
	SandboxAdmin string // base URL of the sandbox's admin interface
	ConfigPath   string // of both processes' configuration
	APIKey       string // of the booking backend
	StaffKey     string
	// APIKeyFile, StaffKeyFile and CodecTokenFile hold the secrets for people;
	// the last one opens the endpoint that decrypts payloads for Temporal's UI.
	APIKeyFile, StaffKeyFile, CodecTokenFile string

	secrets   secrets
	hospitals []string

	mu    sync.Mutex
	books *store.Store

	hiring sync.Mutex // makes one account after the other
	people map[string]Person
}

// Start brings an installation up and waits until it takes payments. When it
// fails or ctx ends, everything that was started is ended first. End it with
// [Installation.Stop] or [Installation.Leave].
func Start(ctx context.Context, o Options) (*Installation, error) {
	o = o.complete()
	in := &Installation{}
	o.Stack.WriteConfig = func(_ context.Context, m stack.Manifest, e stack.Endpoints) (stack.Plan, error) {
		return in.configure(o, m, e)
	}
	s, err := stack.Start(ctx, o.Stack)
	if err != nil {
		return nil, err
	}
	in.Stack = s
	if err := in.open(ctx); err != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		return nil, errors.Join(err, in.Stop(stop))
	}
	return in, nil
}

// configure writes the configuration and says what is to run with it.
func (in *Installation) configure(o Options, m stack.Manifest, e stack.Endpoints) (stack.Plan, error) {
	// The stack removes this folder when it is stopped.
	files, err := newSecrets(filepath.Join(e.Dir, "config"))
	if err != nil {
		return stack.Plan{}, err
	}
	c, err := configuration(o, m, e, files)
	if err != nil {
		return stack.Plan{}, err
	}
	in.secrets, in.ConfigPath, in.CodecTokenFile = files, files.path("regpay.yaml"), c.HTTP.CodecTokenFile
	for _, h := range c.Hospitals {
		in.hospitals = append(in.hospitals, h.ID)
	}
	if err := onboarding.Write(c, in.ConfigPath); err != nil {
		return stack.Plan{}, err
	}
	return plan(o, e, in.ConfigPath)
}

// open makes the keys and the clients.
func (in *Installation) open(ctx context.Context) (err error) {
	e := in.Stack.Endpoints()
	in.APIBase, in.UIAddress, in.SandboxAdmin = e.API, e.UI, e.SandboxAdmin
	if in.APIKey, err = in.NewKey(ctx, "booking", []string{"*"}, false); err != nil {
		return err
	}
	if in.StaffKey, err = in.NewKey(ctx, "staff", []string{"*"}, true); err != nil {
		return err
	}
	if in.APIKeyFile, err = in.secrets.write("api_key", in.APIKey); err != nil {
		return err
	}
	if in.StaffKeyFile, err = in.secrets.write("staff_key", in.StaffKey); err != nil {
		return err
	}
	in.API, in.Staff = NewAPI(in.APIBase, in.APIKey), NewAPI(in.APIBase, in.StaffKey)
	in.Sandbox = NewSandbox(in.SandboxAdmin, in.Stack.Manifest())
	return nil
}

// Books opens the installation's own books, once, for those who check what is
// in them or set up what a hospital would know already (a blocked patient,
// missed appointments). They are closed with the installation.
func (in *Installation) Books(ctx context.Context) (*store.Store, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.books != nil {
		return in.books, nil
	}
	c, err := config.Load(in.ConfigPath)
	if err != nil {
		return nil, err
	}
	c.Database.MaxConns = 4
	in.books, err = installation.OpenBooks(ctx, c)
	return in.books, err
}

// CallbackSecret is what a hospital's booking backend verifies callbacks with.
func (in *Installation) CallbackSecret(hospital string) ([]byte, error) {
	b, err := os.ReadFile(in.secrets.path(callbackSecret(hospital)))
	if err != nil {
		return nil, fmt.Errorf("read the callback secret of %s: %w", hospital, err)
	}
	return []byte(strings.TrimRight(string(b), "\n")), nil
}

// Stop ends everything and removes data and secrets; the logs stay. It is safe
// to call more than once.
func (in *Installation) Stop(ctx context.Context) error {
	return errors.Join(in.close(), in.Stack.Stop(ctx))
}

// Leave lets go of an installation that was started with Stack.Keep and leaves
// it running, to be ended by stack.Down.
func (in *Installation) Leave() error { return errors.Join(in.close(), in.Stack.Leave()) }

func (in *Installation) close() error {
	in.API.close()
	in.Staff.close()
	in.Sandbox.close()
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.books == nil {
		return nil
	}
	err := in.books.Close()
	in.books = nil
	return err
}
