package browser

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

// TestDataThatWasRevealedOnceIsOnRecordOnce runs alone: the HIS is out of reach
// meanwhile, so that payments move for as long as the test wants. Their pages
// look by themselves, also those that came as the answer to a form; when the
// payment comes to rest they show the whole of it, and no form is sent again.
func TestDataThatWasRevealedOnceIsOnRecordOnce(t *testing.T) {
	w := place
	decided := w.unclear(t, linjiang)
	require.NoError(t, w.in.Sandbox.SetFaults(t.Context(), "his", sandbox.FaultSpec{Outage: true}))
	healed := false
	heal := func() {
		if !healed {
			require.NoError(t, w.in.Sandbox.Heal(t.Context(), "his"))
			healed = true
		}
	}
	defer heal()
	paid := w.begin(t, linjiang, wechat)
	paid.pay()
	paid.ends(payment.Paid)
	onCase, onPayment := w.desk(t, "li"), w.desk(t, "wang")
	onCase.decided(decided, payment.ConfirmSettled, "SETL20261123002")
	decided.ends(payment.Paid)

	pages := map[*desk]string{onCase: decided.page(), onPayment: "/payments/" + paid.id()}
	const said = `article.said`
	for d, page := range pages {
		d.opens(page)
		d.reveals("the patient is on the phone")
		d.has(`#now[hx-get]`)
		d.js(`window.before = true`, nil)
	}
	onPayment.says(paid.person.Name)
	onCase.says(decided.person.Name)
	waits := onPayment.text(said)
	require.Contains(t, waits, "HIS")
	require.Contains(t, waits, paid.order())
	heal()
	for d, page := range pages {
		d.until("the whole page is shown again", `window.before === undefined && document.readyState === 'complete' && !document.querySelector('#now[hx-get]')`)
		require.Equal(t, page, d.path())
		require.True(t, d.yes(`performance.getEntriesByType('navigation')[0].type === 'navigate'`), "by its address")
	}
	onPayment.saysNot(paid.person.Name)
	onCase.saysNot(decided.person.Name)
	for _, v := range []*visit{paid, decided.visit} {
		require.Len(t, w.log(t, v.id(), "personal_data_revealed"), 1)
	}
	onPayment.opens("/payments/" + paid.id())
	require.NotEqual(t, waits, onPayment.text(said))
	require.Contains(t, onPayment.text(said), paid.look().AppointmentID)
}

// TestMaintenanceIsAnnouncedAndEndedOnTheOverview is seen above the queue by
// whoever works for the hospital, and by nobody else.
func TestMaintenanceIsAnnouncedAndEndedOnTheOverview(t *testing.T) {
	t.Parallel()
	w := place
	sun, li, zhou := w.desk(t, "sun"), w.desk(t, "li"), w.desk(t, "zhou")
	const form = `form:has([name=until])`
	until := clock().Add(37 * time.Minute).In(beijing())
	sun.opens("/overview")
	sun.fill(form+" [name=hospital]", yuntai)
	sun.fill(form+" [name=system]", string(payment.SystemHIS))
	sun.fill(form+" [name=until]", until.Add(-time.Hour).Format("2006-01-02T15:04"))
	require.Equal(t, http.StatusUnprocessableEntity, sun.press(form+sender), "what is over before it begins is none")
	sun.has(`main [role=alert]`)
	sun.has(`#by-day`)
	sun.fill(form+" [name=until]", until.Format("2006-01-02T15:04"))
	require.Equal(t, http.StatusOK, sun.press(form+sender))
	require.Equal(t, "/overview", sun.path())
	sun.has(`main [role=status]`)

	shown := until.Format("2006-01-02 15:04")
	li.opens("/queue")
	require.Contains(t, li.text("#running"), shown)
	require.Contains(t, li.text("#running"), names()[yuntai][zh])
	zhou.opens("/queue")
	zhou.hasNot("#running")

	mine := fmt.Sprintf(`#windows-h ~ table tr:has(time[datetime^=%q]) form[action$="/end"]`, until.UTC().Format("2006-01-02T15:04"))
	require.Equal(t, http.StatusOK, sun.press(mine+sender))
	require.Equal(t, "/overview", sun.path())
	sun.hasNot(mine)
	li.opens("/queue")
	li.saysNot(shown)
}
