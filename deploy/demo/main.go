// Command demo plays a day of registrations at two hospitals on real parts:
// PostgreSQL, Temporal, regpay's workers and API, and the sandbox as every
// counterparty.
//
// registrations.csv is the day, written as a hospital would export its
// appointments: departments, doctors, slots, fees, patients — all invented, the
// identity card numbers with valid check characters and of divisions that no
// card has — and beside each what its people are going to do and how it has to
// end. The demo is the booking backend, the patients and the support staff, all
// through the HTTP API. At the end it compares regpay's books with everybody
// else's; its exit status says whether they agree.
//
// It is called by `make demo`. KEEP=1 leaves everything up, with the payments of
// waiting.csv for you to decide about at the review console; SUMMARY=file.json
// writes the result as JSON.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/regpay/regpay/deploy/booking"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/config"
)

//go:embed registrations.csv
var written []byte

// Time limits, so that the demo ends by itself whatever happens.
const (
	stackTimeout = 40 * time.Minute // the first build of Temporal takes long
	dayTimeout   = 4 * time.Minute
	checkTimeout = time.Minute
	stopTimeout  = time.Minute
)

// twoPeopleAbove is the amount in fen above which two people decide a case.
const twoPeopleAbove = 300_00

// Exit codes.
const (
	exitFalse       = 1   // a check does not hold, or the day could not be played
	exitInterrupted = 130 // Ctrl-C
)

type options struct {
	Keep    string        `help:"Leave the stack up at the end (any value but 0 and false)." env:"KEEP" placeholder:"1"`
	Summary string        `help:"Write the result to this file as JSON." env:"SUMMARY" placeholder:"FILE"`
	File    string        `help:"Play another file of registrations." type:"existingfile" placeholder:"CSV"`
	AtOnce  int           `help:"Registrations under way at the same time." default:"64"`
	Pace    time.Duration `help:"Between two patients." default:"100ms"`
}

func (o options) keep() bool { return o.Keep != "" && o.Keep != "0" && o.Keep != "false" }

func main() {
	var o options
	kong.Parse(&o, kong.Name("demo"), kong.UsageOnError(),
		kong.Description("Plays a day of registrations on real parts and compares everybody's books at the end."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ok, err := run(ctx, o, os.Stdout)
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case interrupted:
		fmt.Fprintln(os.Stderr, "demo: interrupted; everything was stopped")
		os.Exit(exitInterrupted)
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(exitFalse)
	case !ok:
		os.Exit(exitFalse)
	}
}

// run plays the day and says whether everything is true at its end.
func run(ctx context.Context, o options, out io.Writer) (ok bool, err error) {
	all, err := o.registrations()
	if err != nil {
		return false, err
	}
	began := time.Now()
	in, err := start(ctx, o, all, out)
	if err != nil {
		return false, err
	}
	left := false
	defer func() {
		if left {
			return
		}
		// Not ctx: it may be what ended.
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		err = errors.Join(err, in.Stop(stopping))
	}()
	s, err := playDay(ctx, o, in, all, out, time.Since(began))
	if err != nil {
		return false, err
	}
	if o.Summary != "" {
		if err := s.write(o.Summary); err != nil {
			return false, err
		}
	}
	var work desk
	if o.keep() && ctx.Err() == nil {
		if work, err = leaveWork(ctx, in); err != nil {
			return false, fmt.Errorf("leave cases to decide: %w", err)
		}
		if err := in.Leave(); err != nil {
			return false, err
		}
		left = true
	}
	s.addresses(out, left)
	work.print(out)
	if left {
		fmt.Fprintln(out, "`make down` stops everything.")
	}
	return s.OK, nil
}

func (o options) registrations() ([]registration, error) {
	text := written
	if o.File != "" {
		var err error
		if text, err = os.ReadFile(o.File); err != nil {
			return nil, fmt.Errorf("read registrations: %w", err)
		}
	}
	return readRegistrations(bytes.NewReader(text))
}

// start brings the installation up for the hospitals of the file.
func start(ctx context.Context, o options, all []registration, out io.Writer) (*local.Installation, error) {
	ctx, cancel := context.WithTimeout(ctx, stackTimeout)
	defer cancel()
	return local.Start(ctx, local.Options{
		Stack: stack.Options{
			Name: "demo", Keep: o.keep(), Hospitals: hospitalsOf(all), Progress: out,
			// Notifications that were not taken come again after seconds.
			SandboxArgs: []string{"--notify-scale", "0.05"},
		},
		Risk: config.Risk{
			Window: 24 * time.Hour, RefuseAfter: 5, ReviewAmountFen: 500_00,
			NoShowWindow: 180 * 24 * time.Hour, RefuseNoShows: 3,
		},
		Configure: func(c *config.Config) {
			for i, h := range c.Hospitals {
				// UnionPay's orders cannot be closed and are waited out; both
				// clocks are this machine's.
				h.Channels.UnionPay.CloseMargin = time.Second
				c.Hospitals[i].Review.SecondPersonAboveFen = twoPeopleAbove
				if name, known := names()[h.ID]; known {
					c.Hospitals[i].Name = name
				}
			}
		},
	})
}

// names are what people call the hospitals of the file, by language.
func names() map[string]map[string]string {
	return map[string]map[string]string{
		"h-linjiang": {"zh-CN": "临江医院", "en": "Linjiang Hospital"},
		"h-qingshan": {"zh-CN": "青山医院", "en": "Qingshan Hospital"},
	}
}

func hospitalsOf(all []registration) []string {
	var ids []string
	for _, r := range all {
		if !slices.Contains(ids, r.Hospital) {
			ids = append(ids, r.Hospital)
		}
	}
	slices.Sort(ids)
	return ids
}

// playDay plays, prints the table and the checks, and sums up.
func playDay(ctx context.Context, o options, in *local.Installation, all []registration, out io.Writer, took time.Duration) (summary, error) {
	told, err := booking.Listen(hospitalsOf(all), in.CallbackSecret)
	if err != nil {
		return summary{}, err
	}
	defer told.Close()
	d := &day{in: in, backend: told, staff: newStaff(in), opened: time.Now(), atOnce: max(o.AtOnce, 1), pace: o.Pace, board: newBoard(out, len(all))}
	if err := d.facts(ctx, all); err != nil {
		return summary{}, fmt.Errorf("prepare the day: %w", err)
	}
	fmt.Fprintf(out, "Playing %d registrations; meanwhile: %s and %s/docs\n", len(all), in.UIAddress, in.APIBase)
	outcomes, err := d.watched(ctx, all)
	if err != nil {
		return summary{}, err
	}
	s := summary{StartedAt: d.opened.UTC(), StackMS: took.Milliseconds(), DayMS: time.Since(d.opened).Milliseconds(), Rows: len(all), Repeated: d.repeated.Load()}
	checking, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	checks, books, err := d.checks(checking, outcomes)
	if err != nil {
		return summary{}, err
	}
	expected, others := asExpected(outcomes)
	s.Ways, s.Checks, s.Unexpected = ways(outcomes, captures(books)), append(checks, expected), others
	s.OK = !slices.ContainsFunc(s.Checks, func(c check) bool { return !c.OK })
	s.Addresses, err = d.places(checking, outcomes)
	s.print(out)
	return s, err
}

// watched runs the day and ends it early when a process of the stack dies.
func (d *day) watched(ctx context.Context, all []registration) ([]outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limited, stop := context.WithTimeoutCause(ctx, dayTimeout, errors.New("the day took too long"))
	defer stop()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case err := <-d.in.Stack.Failed():
			cancel(fmt.Errorf("a process of the stack ended: %w", err))
		case <-over:
		}
	}()
	hide := d.board.show()
	outcomes := d.run(limited, all)
	hide()
	return outcomes, context.Cause(ctx)
}

// places finds where things can be opened, and saves the voucher of one order.
func (d *day) places(ctx context.Context, outcomes []outcome) (addresses, error) {
	e := d.in.Stack.Endpoints()
	a := addresses{API: d.in.APIBase, Docs: d.in.APIBase + "/docs", Console: d.in.Console(), TemporalUI: d.in.UIAddress, Codec: e.Codec + "/", CodecTokenFile: d.in.CodecTokenFile,
		APIKeyFile: d.in.APIKeyFile, SandboxBook: d.in.SandboxAdmin + "/books"}
	for _, o := range outcomes {
		if o.final.Voucher == nil || o.registration.Refund > 0 {
			continue
		}
		a.Voucher = d.in.APIBase + "/v1/payments/" + o.paymentID + "/voucher"
		for format, place := range map[string]*string{"png": &a.VoucherPNG, "svg": &a.VoucherSVG} {
			picture, err := d.in.API.VoucherPicture(ctx, o.paymentID, format)
			if err != nil {
				return a, fmt.Errorf("draw a voucher: %w", err)
			}
			*place = filepath.Join(e.Dir, "voucher."+format)
			if err := os.WriteFile(*place, picture, 0o600); err != nil {
				return a, fmt.Errorf("save a voucher: %w", err)
			}
		}
		break
	}
	return a, nil
}

func (s summary) print(out io.Writer) {
	fmt.Fprintln(out)
	printWays(out, s.Ways)
	fmt.Fprintln(out)
	for _, c := range s.Checks {
		mark := "✓"
		if !c.OK {
			mark = "✗"
		}
		fmt.Fprintf(out, "%s %s: %s\n", mark, c.title(), c.Detail)
	}
	const shown = 20
	for i, u := range s.Unexpected {
		if i == shown {
			fmt.Fprintf(out, "  and %d more\n", len(s.Unexpected)-shown)
			break
		}
		fmt.Fprintf(out, "  %s\n", u)
	}
}

// addresses prints where to look further.
func (s summary) addresses(out io.Writer, left bool) {
	a := s.Addresses
	fmt.Fprintf(out, "\nStack up in %.1f s, day played in %.1f s.\n", float64(s.StackMS)/1000, float64(s.DayMS)/1000)
	if s.Repeated > 0 {
		fmt.Fprintf(out, "%d calls got no answer in time and were repeated: this machine has much else to do.\n", s.Repeated)
	}
	if a.VoucherPNG != "" {
		fmt.Fprintf(out, "Voucher of one order  %s\n                      %s\n", a.VoucherPNG, a.VoucherSVG)
	}
	if !left {
		fmt.Fprintln(out, "The stack is stopped; `make demo KEEP=1` leaves it up, with cases to decide at the review console, Temporal's UI and the API's docs to open.")
		return
	}
	fmt.Fprintf(out, "Temporal's UI         %s\n", a.TemporalUI)
	fmt.Fprintf(out, "  to read payloads    sign in at %s\n                      with the token in %s\n", a.Codec, a.CodecTokenFile)
	fmt.Fprintf(out, "API docs              %s\n", a.Docs)
	fmt.Fprintf(out, "Counterparties' books %s\n", a.SandboxBook)
	fmt.Fprintf(out, "API key               %s\n", a.APIKeyFile)
	if a.Voucher != "" {
		fmt.Fprintf(out, "Voucher by the API    curl -H \"Authorization: Bearer $(cat %s)\" %s\n", a.APIKeyFile, a.Voucher)
	}
}
