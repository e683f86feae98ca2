package console

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func TestAChannelIsJudgedByWhatWasAskedOfItLately(t *testing.T) {
	at := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	fine := store.ChannelHealth{Channel: payment.WeChat, LastPaid: at, LastNotice: at}
	for name, c := range map[string]struct {
		quarter, hour store.Charges
		change        func(*store.ChannelHealth)
		state         string
	}{
		"nothing was asked":                        {state: stateQuiet},
		"patients take their time":                 {quarter: store.Charges{Begun: 9}, state: stateGood},
		"half are unanswered":                      {quarter: store.Charges{Begun: 6, Captured: 3, Unknown: 3}, state: stateBad},
		"fewer are":                                {quarter: store.Charges{Begun: 7, Captured: 3, Unknown: 3}, state: stateGood},
		"two of two are, which can be chance":      {quarter: store.Charges{Begun: 2, Unknown: 2}, hour: store.Charges{Begun: 2, Unknown: 2}, state: stateGood},
		"the hour counts where the quarter is few": {quarter: store.Charges{Begun: 1, Unknown: 1}, hour: store.Charges{Begun: 4, Unknown: 3}, state: stateBad},
		"it was down and is up again":              {quarter: store.Charges{Begun: 5, Captured: 5}, hour: store.Charges{Begun: 50, Captured: 5, Unknown: 45}, state: stateGood},
		"most are declined":                        {quarter: store.Charges{Begun: 4, Captured: 1, Failed: 3}, state: stateBad},
		"no notifications": {hour: store.Charges{Begun: 4, Captured: 4}, state: stateBad,
			change: func(c *store.ChannelHealth) { c.LastNotice = at.Add(-noticeLag - time.Second) }},
		"none at all": {hour: store.Charges{Begun: 4, Captured: 4}, state: stateBad,
			change: func(c *store.ChannelHealth) { c.LastNotice = time.Time{} }},
		"the insurance sends none": {hour: store.Charges{Begun: 4, Captured: 4}, state: stateGood,
			change: func(c *store.ChannelHealth) { c.Channel, c.LastNotice = payment.Insurance, time.Time{} }},
	} {
		h := fine
		h.Quarter, h.Hour = c.quarter, c.hour
		if h.Hour.Begun < h.Quarter.Begun {
			h.Hour = h.Quarter
		}
		if c.change != nil {
			c.change(&h)
		}
		state, why := judged(English, h)
		require.Equal(t, c.state, state, name)
		require.Equal(t, state == stateBad, why != "", name)
	}
}

func TestTheOverviewSaysWhichSystemDoesNotWorkAndWhere(t *testing.T) {
	d := newDesk(t)
	now := d.clock.now()
	d.books.health = store.Health{
		Channels: []store.ChannelHealth{
			{HospitalID: renHe, Channel: payment.WeChat, Quarter: store.Charges{Begun: 4, Unknown: 4}, Hour: store.Charges{Begun: 40, Captured: 36, Unknown: 4}, LastPaid: now, LastNotice: now},
			{HospitalID: anKang, Channel: payment.WeChat, Quarter: store.Charges{Begun: 3, Captured: 3}, Hour: store.Charges{Begun: 30, Captured: 30}, LastPaid: now, LastNotice: now},
			{HospitalID: renHe, Channel: payment.Insurance, Quarter: store.Charges{Begun: 5, Unknown: 5}, Hour: store.Charges{Begun: 5, Unknown: 5}},
		},
		HIS:     []store.HISHealth{{HospitalID: renHe, Registered: 2, LastRegistered: now}},
		Refunds: []store.RefundHealth{{HospitalID: renHe, Channel: payment.WeChat, OnTheWay: 11, Late: 2, Failed: 3, Oldest: began}},
	}
	d.books.overview = store.Overview{Backlog: []store.Unregistered{{HospitalID: renHe, Count: 5, Oldest: now.Add(-time.Hour)}}}
	d.books.windows = payment.Windows{{ID: "mw_1", HospitalID: renHe, System: payment.SystemOf(payment.Insurance), From: began, Until: began.Add(10 * time.Hour)}}
	page := d.signedIn("zhao").get("/console/overview").body
	for _, text := range []string{"Ren He Hospital: 4 unanswered of 4 in the last 15 minutes", "7 begun, 3 paid, 0 failed, 4 unanswered", "70 begun",
		"Ren He Hospital: 5 paid ones wait to be registered, the oldest for 1 h", "Ren He Hospital: in maintenance", "Refunds that are not back yet", ">11<", ">2<", ">3<"} {
		require.Contains(t, page, text)
	}
	require.NotContains(t, page, "5 unanswered of 5", "nobody asks anything of a system in maintenance")
	require.NotContains(t, page, "an-kang: ")
}

func TestTheHISIsJudgedByWhatWaitsForItAndWhatItRefuses(t *testing.T) {
	p := &page{lang: English, now: began}
	for name, c := range map[string]struct {
		his     store.HISHealth
		waiting store.Unregistered
		state   string
	}{
		"nothing":                       {state: stateQuiet},
		"it answers":                    {his: store.HISHealth{Registered: 1}, state: stateGood},
		"payments of the last minutes":  {his: store.HISHealth{Registered: 1}, waiting: store.Unregistered{Count: 9, Oldest: began.Add(-hisLag)}, state: stateGood},
		"payments that have waited":     {his: store.HISHealth{Registered: 9}, waiting: store.Unregistered{Count: 1, Oldest: began.Add(-hisLag - time.Second)}, state: stateBad},
		"it refuses what it is told":    {his: store.HISHealth{Registered: 3, Refused: 3}, state: stateBad},
		"a few slots were taken before": {his: store.HISHealth{Registered: 4, Refused: 3}, state: stateGood},
	} {
		state, _ := judgedHIS(p, c.his, c.waiting)
		require.Equal(t, c.state, state, name)
	}
}
