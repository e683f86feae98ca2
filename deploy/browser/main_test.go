package browser

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

	"github.com/chromedp/chromedp"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/config"
)

// Three hospitals. One person sees the first one alone; two people decide about
// much money at the second; the third is for maintenance, which would hold up
// the payments of other tests.
const (
	linjiang = "h-linjiang"
	qingshan = "h-qingshan"
	yuntai   = "h-yuntai"
)

const (
	// reviewAmount is from which amount on the risk rules ask for a person, in fen.
	reviewAmount = 90_000
	// twoPeople is the amount above which two people decide at qingshan, in fen.
	twoPeople = 20_000
	// temporalUI is an address that nobody opens: pages have to link to it.
	temporalUI = "https://temporal.example.org"
)

const (
	startTime = 12 * time.Minute // the first build of all tools included
	stopTime  = time.Minute
	// together is how many tests work at the same time: they wait for pages and
	// workflows more than they work.
	together = "4"
)

// names are what people call the hospitals, by language.
func names() map[string]map[string]string {
	return map[string]map[string]string{
		linjiang: {zh: "临江医院", en: "Linjiang Hospital"},
		qingshan: {zh: "青山医院", en: "Qingshan Hospital"},
		yuntai:   {zh: "云台医院", en: "Yuntai Hospital"},
	}
}

// place is what all tests share. It is set before the first test starts and
// only read afterwards.
var place *world

type world struct {
	in     *local.Installation
	issuer *issuer
	// browser has the one Chromium in which every desk has its own cookies.
	browser context.Context
	close   []func(context.Context) error
	shows   showcase
}

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", together) // the flag is the testing package's own
	}
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	place = &world{}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		if err := place.end(ending); err != nil {
			fmt.Fprintln(os.Stderr, "browser:", err)
			code = 1
		}
	}()
	if err := place.open(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		return 1
	}
	code = m.Run()
	select {
	case err := <-place.in.Stack.Failed():
		fmt.Fprintln(os.Stderr, "browser: a process ended that nobody ended:", err)
		code = 1
	default:
	}
	return code
}

func (w *world) end(ctx context.Context) error {
	var errs []error
	for i := len(w.close) - 1; i >= 0; i-- {
		errs = append(errs, w.close[i](ctx))
	}
	return errors.Join(errs...)
}

func (w *world) open(ctx context.Context) error {
	starting, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	// First the browser: it is the part that may have to be installed.
	if err := w.openBrowser(ctx, starting); err != nil {
		return err
	}
	var err error
	if w.issuer, err = newIssuer(); err != nil {
		return err
	}
	w.close = append(w.close, func(context.Context) error {
		w.issuer.Close()
		return nil
	})
	in, err := local.Start(starting, local.Options{
		Stack: stack.Options{
			Name: "browser", Parts: stack.Regpay, Progress: os.Stderr, DatabaseURL: "private", TemporalAddress: "private",
			Hospitals: []string{linjiang, qingshan, yuntai},
		},
		Risk: config.Risk{Window: time.Hour, ReviewAmountFen: reviewAmount},
		Configure: func(c *config.Config) {
			c.Console.TemporalUI, c.Console.OIDC = temporalUI, w.issuer.configured()
			for i, h := range c.Hospitals {
				c.Hospitals[i].Name = names()[h.ID]
				// A minute would be right between two companies' clocks; here they
				// are the same.
				c.Hospitals[i].Channels.UnionPay.CloseMargin = time.Second
				if h.ID == qingshan {
					c.Hospitals[i].Review.SecondPersonAboveFen = twoPeople
				}
			}
		},
	})
	if err != nil {
		return err
	}
	w.in = in
	w.close = append(w.close, in.Stop)
	return nil
}

// openBrowser starts Chromium, for as long as the tests take.
func (w *world) openBrowser(ctx, starting context.Context) error {
	path, err := stack.FindChromium(starting, os.Stderr)
	if err != nil {
		return err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path),
		chromedp.DisableGPU, chromedp.WindowSize(wide, tall), chromedp.WSURLReadTimeout(time.Minute),
		// Pages are to look the same wherever pictures are taken.
		chromedp.Flag("force-device-scale-factor", "1"), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("font-render-hinting", "none"), chromedp.Flag("force-color-profile", "srgb"))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which Chromium refuses to build as root
	}
	allocator, end := chromedp.NewExecAllocator(ctx, options...)
	browser, quit := chromedp.NewContext(allocator)
	w.close = append(w.close, func(context.Context) error {
		quit()
		end()
		return nil
	})
	w.browser = browser
	if err := chromedp.Run(browser); err != nil {
		return fmt.Errorf("start %s: %w", path, err)
	}
	return nil
}
