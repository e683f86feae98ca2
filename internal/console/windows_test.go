package console

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
)

func TestAnAdminAnnouncesAndEndsMaintenanceOnTheOverview(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("feng")
	page := b.get("/console/overview").body
	require.Contains(t, page, `action="/console/maintenance"`)
	require.NotContains(t, page, `value="`+anKang+`"`, "another hospital's admin does that")
	form := []string{"key", newKey(), "hospital", renHe, "system", "wechat", "until", "2026-01-06T04:30", "note", "升级", "back", "overview"}
	require.Equal(t, "/console/overview", b.send("/console/maintenance", form...).to())
	require.Len(t, d.books.windows, 1)
	page = b.get("/console/overview").body
	require.Contains(t, page, "The maintenance is announced.")
	require.Contains(t, page, `action="/console/maintenance/mw_new/end"`)
	require.Equal(t, "/console/overview", b.send("/console/maintenance/mw_new/end", "back", "overview").to())
	require.Equal(t, []string{"end mw_new local:feng"}, d.books.changed)

	form[7] = "tomorrow"
	res := b.send("/console/maintenance", form...)
	require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode)
	for _, text := range []string{"<h1>Overview</h1>", "Write times as", "升级", `id="announce" open`} {
		require.Contains(t, res.body, text)
	}
	reader := d.signedIn("qian").get("/console/overview").body
	require.Contains(t, reader, "WeChat Pay")
	require.NotContains(t, reader, `action="/console/maintenance`, "who may not announce sees no form")
}

func TestTheOverviewSaysOfHowManyDecisionsItsTimesAre(t *testing.T) {
	d := newDesk(t)
	require.Contains(t, d.signedIn("qian").get("/console/overview").body, "of the latest 1,000 decisions")
}

func TestRunningMaintenanceIsOneLineAboveTheQueue(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("li")
	const line = `id="running"`
	d.books.windows = payment.Windows{{ID: "mw_later", HospitalID: renHe, System: payment.SystemHIS, From: began.Add(9 * time.Hour), Until: began.Add(10 * time.Hour)}}
	require.NotContains(t, b.get("/console/queue").body, line, "what is only announced does not run")
	d.books.windows = payment.Windows{{ID: "mw_1", HospitalID: renHe, System: payment.SystemOf(payment.WeChat), From: began, Until: began.Add(10 * time.Hour)}}
	for _, path := range []string{"/console/queue", "/console/queue/live"} {
		page := b.get(path).body
		require.Contains(t, page, "In maintenance now: Ren He Hospital, WeChat Pay, until 2026-01-05 14:00", path)
		require.Less(t, strings.Index(page, line), strings.Index(page, `class="list queue"`), path)
	}
	require.Equal(t, []string{renHe}, d.books.windowsOf, "of nobody else's hospitals")
	for n := range 4 {
		d.books.windows = append(d.books.windows, payment.Window{ID: fmt.Sprint("mw_", n+2), HospitalID: renHe, System: payment.SystemHIS, From: began, Until: began.Add(10 * time.Hour)})
	}
	require.Contains(t, b.get("/console/queue").body, "; and 2 more</p>")
}
