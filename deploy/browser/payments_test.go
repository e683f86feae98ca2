package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func TestAPaymentIsFoundByEveryNumberThatSomebodyMayRead(t *testing.T) {
	t.Parallel()
	w := place
	v := w.completed(t, linjiang)
	p := v.look()
	require.NotNil(t, p.Voucher)
	require.NotEmpty(t, p.Tenders[0].ChannelNo)
	d := w.desk(t, "li")
	for what, number := range map[string]string{"order": v.order(), "voucher": p.Voucher.Code, "channel": p.Tenders[0].ChannelNo,
		"merchant": p.Tenders[0].MerchantNo, "payment": v.id(), "as it is read out": " " + strings.ToLower(p.Voucher.Code) + " "} {
		d.opens("/find")
		d.fill(`main form input[name=q]`, number)
		require.Equal(t, http.StatusOK, d.press(`main form:has(input[name=q])`+sender), what)
		require.Equal(t, "/payments/"+v.id(), d.path(), what)
		d.says(v.order())
	}
	d.has(fmt.Sprintf(`a[href^=%q]`, temporalUI))
	d.opens("/find?q=NOSUCHORDER")
	d.has(`main [role=status]`)
}

// reveals asks for the patient in clear on the page where the browser is.
func (d *desk) reveals(purpose string) {
	d.t.Helper()
	const form = `details:has(> form[action$="/reveal"])`
	d.fill(form+" [name=reason]", purpose)
	require.Equal(d.t, http.StatusOK, d.press(form+sender))
}

func TestPersonalDataIsMaskedUntilARecordedPurposeOpensIt(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	d := w.desk(t, "li")
	for _, page := range []string{h.searched(), h.page(), "/payments/" + h.visit.id()} {
		d.opens(page)
		for what, trace := range h.person.Traces() {
			require.False(t, d.yes(`document.documentElement.outerHTML.includes(`+quoted(trace)+`)`), "%s at %s", what, page)
		}
	}
	d.opens(h.page())
	const purpose = "the patient is on the phone"
	d.reveals(purpose)
	d.says(h.person.Name)
	d.says(h.person.IDNumber)
	d.says(h.person.Phone)
	d.opens(h.page())
	d.saysNot(h.person.Name)

	seen := w.log(t, h.visit.id(), "personal_data_revealed")
	require.Len(t, seen, 1)
	require.Equal(t, d.who.Subject, seen[0].Actor)
	require.Equal(t, purpose, seen[0].Detail["purpose"])
	require.Equal(t, "127.0.0.1", seen[0].Detail["address"])
	require.WithinDuration(t, clock(), seen[0].At, patience)
	require.NotEmpty(t, w.log(t, h.visit.id(), "case_viewed"))
	require.NotEmpty(t, w.log(t, h.visit.id(), "payment_viewed"))

	auditor := w.desk(t, "zhao")
	auditor.opens("/audit?subject=" + h.visit.id())
	row := auditor.text(`tr:has(code)`)
	require.NotEmpty(t, row)
	auditor.says("personal_data_revealed")
	auditor.says(purpose)
	auditor.says("127.0.0.1")
	auditor.says(d.who.Name)
	auditor.saysNot(h.person.Name)
	auditor.saysNot(h.person.IDNumber)
	require.NoError(t, w.books(t).VerifyAudit(t.Context(), h.visit.id()))
}

func TestAPurposeOfNoWordsOpensNothing(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	d := w.desk(t, "li")
	d.opens(h.page())
	a := d.post("/payments/"+h.visit.id()+"/reveal", map[string]string{"reason": "  x  ", "case": h.id})
	require.Equal(t, http.StatusUnprocessableEntity, a.Status)
	require.NotContains(t, a.Text, h.person.Name)
	require.Empty(t, w.log(t, h.visit.id(), "personal_data_revealed"))
}

func TestMoneyGoesBackWithAReasonAndAPaymentIsCancelledWithOne(t *testing.T) {
	t.Parallel()
	w := place
	d := w.desk(t, "li")
	paid := w.completed(t, linjiang)
	d.opens("/payments/" + paid.id())
	const refund = `details:has(> form[action$="/refund"])`
	d.fill(refund+" [name=amount]", "12.00")
	d.fill(refund+" [name=reason]", "the fee was wrong")
	require.Equal(t, http.StatusOK, d.press(refund+sender))
	d.has(`main [role=status]`)
	w.until(t, "the part is back", func() bool { return paid.look().RefundedFen == 1200 })
	require.Equal(t, payment.Completed, paid.look().Status)
	asked := w.log(t, paid.id(), "refund_asked")
	require.Len(t, asked, 1)
	require.Equal(t, d.who.Subject, asked[0].Actor)
	require.Equal(t, "127.0.0.1", asked[0].Detail["address"])

	d.opens("/payments/" + paid.id())
	d.fill(refund+" [name=amount]", "38.01")
	d.fill(refund+" [name=reason]", "more than there is")
	require.Equal(t, http.StatusConflict, d.press(refund+sender))
	d.has(`main [role=alert]`)
	require.True(t, d.yes(exists(refund+" [name=reason]")+`.value === 'more than there is'`))
	require.EqualValues(t, 1200, paid.look().RefundedFen)

	waiting := w.begin(t, linjiang, wechat)
	d.opens("/payments/" + waiting.id())
	d.hasNot(refund)
	const cancel = `details:has(> form[action$="/cancel"])`
	d.fill(cancel+" [name=reason]", "ordered twice by mistake")
	require.Equal(t, http.StatusOK, d.press(cancel+sender))
	waiting.ends(payment.Closed)
	require.Len(t, w.log(t, waiting.id(), "cancel_asked"), 1)
}

func TestMaintenanceIsAnnouncedAndEnded(t *testing.T) {
	t.Parallel()
	w := place
	d := w.desk(t, "sun")
	const note = "the database is moved tonight"
	announce := func(from, until time.Time) {
		const form = `form:has([name=until])`
		d.opens("/maintenance")
		d.fill(form+" [name=hospital]", yuntai)
		d.fill(form+" [name=system]", string(payment.SystemHIS))
		if !from.IsZero() {
			d.fill(form+" [name=from]", from.In(beijing()).Format("2006-01-02T15:04"))
		}
		d.fill(form+" [name=until]", until.In(beijing()).Format("2006-01-02T15:04"))
		d.fill(form+" [name=note]", note)
		require.Equal(t, http.StatusOK, d.press(form+sender))
		d.has(`main [role=status]`)
	}
	mine := func() (all payment.Windows) {
		found, err := w.books(t).Windows(t.Context(), store.WindowFilter{Hospitals: []string{yuntai}, At: clock(), Limit: 50})
		require.NoError(t, err)
		for _, window := range found {
			if window.Note == note {
				all = append(all, window)
			}
		}
		return all
	}
	announce(time.Time{}, clock().Add(2*time.Hour))
	require.Len(t, mine(), 1)
	running := mine()[0]
	require.Equal(t, payment.WindowActive, running.State(clock()))
	require.Equal(t, d.who.Subject, running.AnnouncedBy)
	d.says(note)
	require.Equal(t, http.StatusOK, d.press(fmt.Sprintf(`form[action$="/maintenance/%s/end"]`, running.ID)+sender))
	require.Equal(t, payment.WindowPast, mine()[0].State(clock()))
	require.Equal(t, d.who.Subject, mine()[0].EndedBy)

	announce(clock().Add(24*time.Hour), clock().Add(26*time.Hour))
	require.Len(t, mine(), 2)
	d.opens("/maintenance")
	for _, window := range mine() {
		if window.State(clock()) == payment.WindowUpcoming {
			require.Equal(t, http.StatusOK, d.press(fmt.Sprintf(`form[action$="/maintenance/%s/end"]`, window.ID)+sender))
		}
	}
	for _, window := range mine() {
		require.Equal(t, payment.WindowPast, window.State(clock()))
	}
	d.has(`form:has([name=until])`)
	reader := w.desk(t, "li")
	reader.opens("/maintenance")
	reader.says(note)
	reader.hasNot(`form:has([name=until])`)
}

func beijing() *time.Location { return time.FixedZone("Asia/Shanghai", 8*60*60) }
