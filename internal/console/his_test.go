package console

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// hisBlock is what the page says was said with the HIS.
func hisBlock(page string) string {
	for _, block := range regexp.MustCompile(`(?s)<article class="said">.*?</article>`).FindAllString(page, -1) {
		if strings.Contains(block, "Hospital information system") {
			return block
		}
	}
	return ""
}

func TestWhatWasSaidWithTheHISIsAmongWhatWasSaid(t *testing.T) {
	paid := began.Add(2 * time.Hour) // three hours ago
	for name, c := range map[string]struct {
		change func(*store.CaseFile)
		says   []string
		not    string
	}{
		"it does not answer": {func(f *store.CaseFile) {
			f.Payment.Status = payment.Paid
			f.Cases[0].Reason, f.Cases[0].OpenedAt = payment.ReviewHISDelayed, paid.Add(2*time.Hour)
		}, []string{"waits for its answer", "2026-01-05 06:00", "R20270105000017", "No answer for</dt><dd>3 h", "every two minutes", "Reported to staff</dt><dd>2026-01-05 08:00"}, "Registered at"},
		"it registered": {func(f *store.CaseFile) {
			f.Payment.Status = payment.Completed
			f.Timeline = append(f.Timeline, store.Happening{At: paid, Actor: "workflow", Action: "registered", Detail: map[string]string{"appointment": "A-77", "notice": "N-78"}})
		}, []string{"Registered at</dt><dd>2026-01-05 06:00", "A-77", "N-78"}, "No answer"},
		"it refused": {func(f *store.CaseFile) {
			f.Payment.Status = payment.Refunded
			f.Timeline = append(f.Timeline, store.Happening{At: paid, Actor: "workflow", Action: "registration_refused", Detail: map[string]string{"code": "slot_gone"}})
		}, []string{"a-declined", "the slot is taken or withdrawn (slot_gone)"}, "No answer"},
		"nobody waits for it any more": {func(f *store.CaseFile) { f.Payment.Status = payment.Refunding }, []string{"no longer asked", "No answer."}, "No answer for"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.books.file.Payment.PaidAt = paid
			c.change(&d.books.file)
			for _, path := range []string{casePage, paymentPath} {
				block := hisBlock(d.signedIn("li").get(path).body)
				for _, text := range c.says {
					require.Contains(t, block, text)
				}
				require.NotContains(t, block, c.not)
			}
		})
	}
	d := newDesk(t)
	require.Empty(t, hisBlock(d.signedIn("li").get(casePage).body), "what is not paid is not told to the HIS")
}
