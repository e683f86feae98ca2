package integration

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

func (w *world) books(t *testing.T) local.Books {
	t.Helper()
	b, err := w.in.Sandbox.Books(t.Context())
	require.NoError(t, err)
	return b
}

func (w *world) book(t *testing.T, ch payment.Channel) sandbox.BookSnapshot {
	t.Helper()
	return bookOf(w.books(t), ch)
}

func bookOf(b local.Books, ch payment.Channel) sandbox.BookSnapshot {
	return map[payment.Channel]sandbox.BookSnapshot{payment.WeChat: b.WeChat, payment.UnionPay: b.UnionPay, payment.Insurance: b.Insurance}[ch]
}

// sums is money by hospital and channel, in fen.
type sums map[string][2]int64

// audit holds what all tests together left behind against the rules that
// always hold. Refunds and strays that are still on their way are waited for.
func (w *world) audit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	err := scenario.Wait(ctx, func() (bool, error) {
		err := w.booksAgree(ctx)
		if ctx.Err() == nil {
			last = err
		}
		return err == nil, nil
	})
	if err != nil {
		return errors.Join(last, err)
	}
	if forged := w.backend.unbelieved(); len(forged) > 0 {
		return fmt.Errorf("callbacks that did not verify: %v", forged)
	}
	return w.paymentsAreWhole(ctx)
}

// booksAgree: the ledger balances (I7), and its receivables are what the
// channels' own books say.
func (w *world) booksAgree(ctx context.Context) error {
	books, err := w.in.Books(ctx)
	if err != nil {
		return err
	}
	bad, err := books.Unbalanced(ctx)
	if err != nil || len(bad) > 0 {
		return errors.Join(err, fmt.Errorf("unbalanced transactions: %v", bad))
	}
	balances, err := books.TrialBalance(ctx)
	if err != nil {
		return err
	}
	if !balances.Balanced() {
		return fmt.Errorf("the ledger does not balance: %v", balances)
	}
	totals, err := books.ChannelTotals(ctx)
	if err != nil {
		return err
	}
	ours := sums{}
	for _, t := range totals {
		ours[t.HospitalID+"/"+string(t.Channel)] = [2]int64{t.Captured.Minor(), t.Refunded.Minor()}
	}
	theirs, err := w.in.Sandbox.Books(ctx)
	if err != nil {
		return err
	}
	for key, sum := range channelSums(theirs) {
		if ours[key] != sum {
			return fmt.Errorf("%s: captured and refunded are %v in the ledger and %v in the channel's books", key, ours[key], sum)
		}
		delete(ours, key)
	}
	if len(ours) > 0 {
		return fmt.Errorf("the ledger has money that no channel knows: %v", ours)
	}
	return nil
}

// channelSums adds up the channels' own books. Of an insurance order only the
// account's and the fund's part is the insurance's tender.
func channelSums(b local.Books) sums {
	out := sums{}
	for _, ch := range payment.Channels() {
		book := bookOf(b, ch)
		share := map[string]int64{}
		for _, c := range book.Charges {
			captured := c.CapturedFen
			if captured > 0 && c.Split != nil {
				captured = c.AccountFen + c.FundFen
			}
			share[c.Hospital+"/"+c.MerchantNo] = captured
			if captured > 0 {
				out.add(c.Hospital, ch, captured, 0)
			}
		}
		for _, r := range book.Refunds {
			amount := r.AmountFen
			if ch == payment.Insurance {
				amount = share[r.Hospital+"/"+r.MerchantNo] // it goes back whole
			}
			if r.State == sandbox.RefundSuccess {
				out.add(r.Hospital, ch, 0, amount)
			}
		}
	}
	return out
}

func (s sums) add(hospital string, ch payment.Channel, captured, refunded int64) {
	key := hospital + "/" + string(ch)
	s[key] = [2]int64{s[key][0] + captured, s[key][1] + refunded}
}

// paymentsAreWhole: every payment that ended is whole by itself. A completed
// one is paid, registered once, and has its money; any other end holds none
// (I2). The audit log of each is unbroken (I8).
func (w *world) paymentsAreWhole(ctx context.Context) error {
	books, err := w.in.Books(ctx)
	if err != nil {
		return err
	}
	theirs, err := w.in.Sandbox.Books(ctx)
	if err != nil {
		return err
	}
	registered := map[string]int{}
	for _, a := range theirs.HIS.Appointments {
		if a.Status == "booked" {
			registered[a.Hospital+"/"+a.OrderNo]++
		}
	}
	var errs []error
	query := url.Values{"limit": {"50"}}
	for {
		page, err := w.in.API.Payments(ctx, query)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, p := range page.Items {
			errs = append(errs, wholeness(p, registered[p.HospitalID+"/"+p.OrderNo]), books.VerifyAudit(ctx, p.PaymentID))
		}
		if page.Next == "" {
			return errors.Join(errs...)
		}
		query.Set("cursor", page.Next)
	}
}

func wholeness(p wire.Payment, registered int) error {
	kept, want := p.CapturedFen-p.RefundedFen, 0
	bad := false
	switch p.Status {
	case payment.Completed:
		want, bad = 1, kept <= 0 || kept > p.AmountFen
	case payment.Closed, payment.Refunded, payment.Rejected:
		bad = kept != 0
	default:
		return nil // left open on purpose
	}
	if bad || registered != want {
		return fmt.Errorf("order %s is %s with %d of %d fen kept, and is registered %d times", p.OrderNo, p.Status, kept, p.AmountFen, registered)
	}
	return nil
}

// settles waits until the channels' books and the ledger agree while other
// tests go on: for this visit alone.
func (v *visit) settles() {
	v.t.Helper()
	v.eventually("the payment's tenders are what the channels have", func() bool {
		p := v.look()
		for _, t := range p.Tenders {
			var captured, refunded int64
			for _, c := range v.charges(t.Channel) {
				if c.MerchantNo != t.MerchantNo {
					continue
				}
				amount := c.CapturedFen
				if c.Split != nil && amount > 0 {
					amount = c.AccountFen + c.FundFen
				}
				captured += amount
				if t.Channel == payment.Insurance && c.RefundedFen > 0 {
					refunded += amount
				} else {
					refunded += c.RefundedFen
				}
			}
			if captured != t.CapturedFen || refunded != t.RefundedFen {
				return false
			}
		}
		return true
	})
}

// clock is now, for what a test writes into the books itself.
func clock() time.Time { return time.Now() }
