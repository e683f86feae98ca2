package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/config"
)

// Two hospitals: WeChat Pay has its public key at the first one and its
// certificates at the second.
const (
	renmin = "h-renmin"
	xiehe  = "h-xiehe"
)

// Limits of the risk rules: far from what one patient does here, unless a test
// wants to run into them.
const (
	reviewAfter  = 3
	refuseAfter  = 4
	reviewAmount = 1_000_000
	noShows      = 2
)

// twoPeople is the amount above which two people decide at the second hospital.
const twoPeople = 900_000

const (
	startTime = 12 * time.Minute // the first build of all tools included
	stopTime  = time.Minute
	// together is how many tests work at the same time: they wait much more than
	// they work. All may be under way, see locks.
	together = 10
	underWay = "1000"
)

// place is what all tests share. It is set before the first test starts and
// only read afterwards.
var place *world

type world struct {
	in      *local.Installation
	backend *backend
	// temporal has no keys: it sees what somebody sees who reads Temporal.
	temporal client.Client
	parts    locks
}

func TestMain(m *testing.M) {
	flag.Parse()
	if !given("test.parallel") {
		_ = flag.Set("test.parallel", underWay) // the flag is the testing package's own
	}
	os.Exit(run(m))
}

func given(name string) bool {
	found := false
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

func run(m *testing.M) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w, err := open(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return 1
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		if err := w.close(ending); err != nil {
			fmt.Fprintln(os.Stderr, "integration:", err)
			code = 1
		}
	}()
	place = w
	code = m.Run()
	if err := w.audit(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "integration: what the tests left behind:", err)
		code = 1
	}
	select {
	case err := <-w.in.Stack.Failed():
		fmt.Fprintln(os.Stderr, "integration: a process ended that nobody ended:", err)
		code = 1
	default:
	}
	return code
}

func open(ctx context.Context) (*world, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	in, err := local.Start(ctx, local.Options{
		Stack: stack.Options{
			Name: "integration", Parts: stack.Regpay, Progress: os.Stderr, DatabaseURL: "private", TemporalAddress: "private",
			Hospitals: []string{renmin, xiehe}, PostgresSettings: map[string]string{"max_connections": "200"},
		},
		Risk: config.Risk{
			Window: time.Hour, ReviewAfter: reviewAfter, RefuseAfter: refuseAfter, ReviewAmountFen: reviewAmount,
			NoShowWindow: 30 * 24 * time.Hour, ReviewNoShows: noShows,
		},
		Configure: func(c *config.Config) {
			for i := range c.Hospitals {
				// A minute would be right between two companies' clocks; here they
				// are the same.
				c.Hospitals[i].Channels.UnionPay.CloseMargin = time.Second
				if c.Hospitals[i].ID == xiehe {
					c.Hospitals[i].Review.SecondPersonAboveFen = twoPeople
				}
				// What is broken here is healed in an instant, and the next test
				// does not wait until a guard tries again.
				for _, g := range []*config.Guard{&c.Hospitals[i].Channels.WeChat.Guard, &c.Hospitals[i].Channels.UnionPay.Guard,
					&c.Hospitals[i].Channels.Insurance.Guard, &c.Hospitals[i].HIS.Guard} {
					g.OpenFor = time.Second
				}
			}
		},
	})
	if err != nil {
		return nil, err
	}
	w := &world{in: in, parts: locks{seats: make(chan struct{}, together)}}
	if err := w.connect(); err != nil {
		return nil, errors.Join(err, w.close(context.WithoutCancel(ctx)))
	}
	return w, nil
}

func (w *world) connect() (err error) {
	e := w.in.Stack.Endpoints()
	if w.temporal, err = client.Dial(client.Options{HostPort: e.Temporal, Namespace: e.Namespace, Logger: silent{}}); err != nil {
		return err
	}
	w.backend, err = newBackend(w.in)
	return err
}

func (w *world) close(ctx context.Context) error {
	var errs []error
	if w.backend != nil {
		errs = append(errs, w.backend.close())
	}
	if w.temporal != nil {
		w.temporal.Close()
	}
	return errors.Join(append(errs, w.in.Stop(ctx))...)
}

// silent keeps the Temporal client's words out of the tests' output.
type silent struct{}

var _ log.Logger = silent{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
