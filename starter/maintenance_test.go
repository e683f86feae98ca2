package main

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

var six = time.Date(2027, 1, 6, 6, 0, 0, 0, time.UTC)

func announced() wire.Window {
	return wire.Window{ID: "mw_1", HospitalID: "ren-he", System: "wechat", State: payment.WindowUpcoming, From: six, Until: six.Add(2 * time.Hour), Note: "升级"}
}

func TestMaintenanceIsAnnouncedByItsLengthOrItsEnd(t *testing.T) {
	for _, tc := range []struct {
		name        string
		c           maintenanceAnnounce
		from, until time.Time
		usage       bool
	}{
		{"now, for two hours", maintenanceAnnounce{For: 2 * time.Hour}, time.Time{}, six.Add(2 * time.Hour), false},
		{"later, for two hours", maintenanceAnnounce{From: "2027-01-06T23:00:00+08:00", For: 2 * time.Hour}, six.Add(9 * time.Hour), six.Add(11 * time.Hour), false},
		{"until a time", maintenanceAnnounce{Until: "2027-01-06T23:00:00+08:00"}, time.Time{}, six.Add(9 * time.Hour), false},
		{"without an end", maintenanceAnnounce{}, time.Time{}, time.Time{}, true},
		{"with two ends", maintenanceAnnounce{Until: "2027-01-06T23:00:00+08:00", For: time.Hour}, time.Time{}, time.Time{}, true},
		{"with a word for a time", maintenanceAnnounce{From: "tonight", For: time.Hour}, time.Time{}, time.Time{}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, api := serving(t, map[string]any{"POST /v1/maintenance-windows": announced()})
			tc.c.Hospital, tc.c.System, tc.c.Key = "ren-he", "wechat", "k-1"
			var out bytes.Buffer
			err := tc.c.run(t.Context(), api, terminal{out: &out}, six)
			if tc.usage {
				require.Equal(t, exitUsage, exitCode(err))
				require.Empty(t, b.sent)
				return
			}
			require.NoError(t, err)
			var sent wire.Announcement
			require.NoError(t, json.Unmarshal([]byte(b.sent["POST /v1/maintenance-windows"]), &sent))
			require.True(t, tc.from.Equal(sent.From), "%s", sent.From)
			require.True(t, tc.until.Equal(sent.Until), "%s", sent.Until)
			require.Equal(t, "k-1", sent.Key)
			require.Contains(t, out.String(), "mw_1")
		})
	}
}

func TestMaintenanceIsListedAndEnded(t *testing.T) {
	ended := announced()
	ended.State, ended.EndedAt = payment.WindowPast, six
	_, api := serving(t, map[string]any{
		"GET /v1/maintenance-windows":           wire.Windows{Items: []wire.Window{announced()}},
		"POST /v1/maintenance-windows/mw_1/end": ended,
	})
	out, b := text()
	require.NoError(t, maintenanceList{}.run(t.Context(), api, out))
	require.Contains(t, b.String(), "upcoming")
	require.Contains(t, b.String(), "升级")
	var js bytes.Buffer
	require.NoError(t, maintenanceEnd{Window: "mw_1"}.run(t.Context(), api, terminal{out: &js, json: true}))
	var got wire.Window
	require.NoError(t, json.Unmarshal(js.Bytes(), &got))
	require.Equal(t, ended, got)
	require.Equal(t, exitNotFound, exitCode(maintenanceEnd{Window: "mw_2"}.run(t.Context(), api, terminal{out: io.Discard})))
}

func TestAStartInMaintenanceHasItsOwnWordsAndExitCode(t *testing.T) {
	err := told(&wire.Problem{Status: 503, Code: payment.CodeMaintenance, Detail: "WeChat Pay is in maintenance.", RequestID: "r-1"})
	require.Equal(t, exitUnavailable, exitCode(err))
	require.Equal(t, "WeChat Pay is in maintenance. (maintenance)", err.Error())
}

func TestTheMaintenanceCommandsParse(t *testing.T) {
	parse := func(args ...string) error {
		var c command
		k, err := kong.New(&c, kong.Vars{"version": "x"})
		require.NoError(t, err)
		_, err = k.Parse(append(append([]string{"maintenance"}, args...), "--api-key", "k"))
		return err
	}
	for _, args := range [][]string{{"announce", "ren-he", "his", "--for", "2h", "--json"}, {"list"}, {"list", "--state", "active", "--hospital", "ren-he"}, {"end", "mw_1"}} {
		require.NoError(t, parse(args...), args)
	}
	for _, args := range [][]string{{"announce", "ren-he", "alipay", "--for", "2h"}, {"list", "--state", "open"}, {"end"}} {
		require.Error(t, parse(args...), args)
	}
}
