package store

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/regpay/regpay/internal/payment"
)

// memory keeps what the steps of this process have left of payments, so that
// the next step of such a payment need not read it. Nothing depends on it: a
// step that decides by what is remembered writes only if the payment's audit log
// still ends where it did, and what it does not come to write it reads; beside
// that, only what never changes of a charge is taken from it. So it is no matter
// that other processes take steps, too. It is safe for concurrent use.
type memory struct {
	payments *lru.Cache[string, facts]
	refs     *lru.Cache[string, Ref]
}

// mostRemembered bounds the memory, of some two kilobytes for each payment that
// is under way; mostRefs that of whose a payment is, of some two hundred bytes.
const (
	mostRemembered = 4096
	mostRefs       = 16384
)

func newMemory() memory { return memory{remember[facts](mostRemembered), remember[Ref](mostRefs)} }

func remember[V any](most int) *lru.Cache[string, V] {
	c, err := lru.New[string, V](most)
	if err != nil {
		panic("store: " + err.Error()) // of a size that is not positive
	}
	return c
}

// take hands out what is remembered of a payment, once; nothing is the zero.
func (m memory) take(paymentID string) facts {
	f, ok := m.payments.Peek(paymentID)
	if !ok || !m.payments.Remove(paymentID) {
		return facts{}
	}
	return f
}

// asked finds a charge that is remembered. What it was asked for, and under which
// number, never changes.
func (m memory) asked(hospital string, ch payment.Channel, merchantNo string) (attemptRow, bool) {
	order, n, ok := payment.SplitMerchantNo(merchantNo)
	if !ok {
		return attemptRow{}, false
	}
	f, ok := m.payments.Peek(payment.ID(hospital, order))
	r := f.attemptRow
	return r, ok && r.Attempt == n && r.Channel == ch && r.MerchantNo == merchantNo
}

// keep remembers what a step has left. The end of a payment is followed by
// little.
func (m memory) keep(f facts) {
	if !f.Payment.Status.Ended() {
		m.payments.Add(f.Payment.ID, f)
	}
}

// left is what a step leaves that wrote the payment's row and log.
func (st *step) left() facts {
	f := facts{Payment: st.row, attemptRow: st.read.attemptRow, Proof: st.read.Proof, Next: st.read.Next}
	f.Payment.AuditSeq, f.Payment.AuditHead = st.log.head.Seq, st.log.head.Hash
	if st.also.statement != "" {
		f.attemptRow, f.Proof = st.also.attempt, st.also.proof
	}
	if f.Next > 0 {
		f.Next = max(f.Next, f.attemptRow.Attempt+1)
	}
	return f
}

// What a sight has of what is remembered.

func recallPayment(facts) bool { return true }

// recallNew knows that an attempt is not there only if its number is higher than
// all that are.
func recallNew(attempt int) func(facts) bool {
	return func(f facts) bool { return 0 < f.Next && f.Next <= attempt }
}

// recallCharge knows an attempt as it was before its money came: then none of
// the channel's captures is in the books.
func recallCharge(attempt int) func(facts) bool {
	return func(f facts) bool {
		return f.Attempt == attempt && f.attemptRow.Captured == 0
	}
}

// recallProof knows the payment's last verification: a newer one is a step too.
func recallProof(challenge string) func(facts) bool {
	return func(f facts) bool { return f.Proof.ID == challenge }
}
