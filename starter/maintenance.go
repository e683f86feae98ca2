package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/regpay/regpay/internal/api/client"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

type maintenanceCommand struct {
	Announce maintenanceAnnounce `cmd:"" help:"Announce maintenance: new payments that need the system are refused, running ones wait."`
	List     maintenanceList     `cmd:"" help:"List maintenance windows, the latest first."`
	End      maintenanceEnd      `cmd:"" help:"End maintenance before its time."`
}

type maintenanceAnnounce struct {
	remoteFlags
	Hospital string        `arg:"" help:"The hospital."`
	System   string        `arg:"" enum:"wechat,unionpay,insurance,his,hospital" help:"One of wechat, unionpay, insurance, his, hospital."`
	From     string        `help:"When it begins, such as 2027-01-06T23:00:00+08:00; now by default."`
	Until    string        `help:"When it ends, in the same form."`
	For      time.Duration `help:"How long it takes, such as 2h, instead of --until."`
	Note     string        `help:"For people. No personal data."`
	Key      string        `help:"Your own number of this window: the same one again is the same window. Without it, each call is a new window."`
}

func (c maintenanceAnnounce) Run(ctx context.Context, top *command) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	return c.run(ctx, api, top.terminal(), time.Now())
}

func (c maintenanceAnnounce) run(ctx context.Context, api *client.Client, t terminal, now time.Time) error {
	from, until, err := c.times(now)
	if err != nil {
		return coded{exitUsage, err}
	}
	key := c.Key
	if key == "" {
		key = freshKey()
	}
	w, again, err := api.Announce(ctx, wire.Announcement{Key: key, HospitalID: c.Hospital, System: payment.System(c.System),
		From: from, Until: until, Note: c.Note})
	if err != nil {
		var gone *client.Unreachable
		if errors.As(err, &gone) {
			err = fmt.Errorf("%w\n  repeat it with --key %s", err, key) // it may have been taken
		}
		return told(err)
	}
	return t.show(w, func(out io.Writer) {
		if again {
			fmt.Fprintln(out, "It was announced before.")
		}
		writeWindows(out, w)
	})
}

// times are when the window begins, zero for now, and ends.
func (c maintenanceAnnounce) times(now time.Time) (from, until time.Time, err error) {
	if c.From != "" {
		if from, err = time.Parse(time.RFC3339, c.From); err != nil {
			return from, until, fmt.Errorf("--from %q is no time such as 2027-01-06T23:00:00+08:00", c.From)
		}
	}
	switch {
	case (c.Until == "") == (c.For <= 0):
		return from, until, errors.New("give one of --until and --for")
	case c.Until != "":
		if until, err = time.Parse(time.RFC3339, c.Until); err != nil {
			return from, until, fmt.Errorf("--until %q is no time such as 2027-01-06T23:00:00+08:00", c.Until)
		}
	case from.IsZero():
		until = now.Add(c.For).Truncate(time.Second)
	default:
		until = from.Add(c.For)
	}
	return from, until, nil
}

type maintenanceList struct {
	remoteFlags
	Hospital string `help:"Of one hospital alone."`
	State    string `help:"upcoming, active or past; all by default." enum:",upcoming,active,past" default:""`
}

func (c maintenanceList) Run(ctx context.Context, top *command) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	return c.run(ctx, api, top.terminal())
}

func (c maintenanceList) run(ctx context.Context, api *client.Client, t terminal) error {
	items, err := everyPage(func(cursor string) ([]wire.Window, string, error) {
		page, err := api.Maintenance(ctx, c.Hospital, payment.WindowState(c.State), cursor)
		return page.Items, page.Next, err
	})
	if err != nil {
		return told(err)
	}
	all := wire.Windows{Items: items}
	return t.show(all, func(w io.Writer) {
		if len(all.Items) == 0 {
			fmt.Fprintln(w, "There is none.")
			return
		}
		writeWindows(w, all.Items...)
	})
}

type maintenanceEnd struct {
	remoteFlags
	Window string `arg:"" help:"The window, as the list shows it (mw_…)."`
}

func (c maintenanceEnd) Run(ctx context.Context, top *command) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	return c.run(ctx, api, top.terminal())
}

func (c maintenanceEnd) run(ctx context.Context, api *client.Client, t terminal) error {
	w, err := api.EndMaintenance(ctx, c.Window)
	if err != nil {
		return told(err)
	}
	return t.show(w, func(out io.Writer) { writeWindows(out, w) })
}

func writeWindows(w io.Writer, all ...wire.Window) {
	var t table
	t.add("window", "hospital", "system", "state", "from", "until", "ended early", "note")
	for _, m := range all {
		t.add(m.ID, m.HospitalID, string(m.System), string(m.State), clock(m.From), clock(m.Until), clock(m.EndedAt), dash(m.Note))
	}
	t.write(w, "")
}
