package sandbox

import "fmt"

// Refund enters a refund of the charge under r.ChargeKey in state processing
// (or success if r.State says so). Hospital and MerchantNo come from the charge.
// Where r.Key is known already it returns the entry there and created=false,
// with ErrDiffers when it has another amount or another charge. ErrNotFound for
// an unknown charge, ErrState for one that was not captured, ErrAmount, and
// ErrOverRefund when this and the refunds before it (failed ones excepted)
// exceed what was captured.
func (b *Book) Refund(r Refund) (entry Refund, created bool, err error) {
	if r.AmountFen <= 0 {
		return Refund{}, false, ErrAmount
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, ok := b.refunds[r.Key]; ok {
		if known.AmountFen != r.AmountFen || known.ChargeKey != r.ChargeKey {
			return *known, false, fmt.Errorf("refund %s: %w", r.Key, ErrDiffers)
		}
		return *known, false, nil
	}
	c, ok := b.charges[r.ChargeKey]
	if !ok {
		return Refund{}, false, fmt.Errorf("charge %s: %w", r.ChargeKey, ErrNotFound)
	}
	if c.State != ChargeCaptured {
		return Refund{}, false, fmt.Errorf("refunding a charge that is %s: %w", c.State, ErrState)
	}
	// A subtraction, so that an absurd amount cannot overflow into a small one.
	if r.AmountFen > c.CapturedFen-b.reserved(r.ChargeKey) {
		return Refund{}, false, fmt.Errorf("refund %s: %w", r.Key, ErrOverRefund)
	}
	if r.State == "" {
		r.State = RefundProcessing
	}
	r.Hospital, r.MerchantNo = c.Hospital, c.MerchantNo
	if r.State == RefundSuccess {
		c.RefundedFen += r.AmountFen
	}
	kept := r
	b.refunds[r.Key] = &kept
	b.refundOrder = append(b.refundOrder, r.Key)
	b.byCharge[r.ChargeKey] = append(b.byCharge[r.ChargeKey], r.Key)
	return r, true, nil
}

// reserved is what can no longer be refunded; b.mu is held.
func (b *Book) reserved(chargeKey string) int64 {
	var sum int64
	for _, key := range b.byCharge[chargeKey] {
		if r := b.refunds[key]; r.State != RefundFailed {
			sum += r.AmountFen
		}
	}
	return sum
}

// SettleRefund ends a processing refund as success, failed or abnormal; an
// abnormal one may still become success or failed. The same state again is
// allowed. ErrNotFound, ErrState.
func (b *Book) SettleRefund(key string, to RefundState) (Refund, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, ok := b.refunds[key]
	if !ok {
		return Refund{}, fmt.Errorf("refund %s: %w", key, ErrNotFound)
	}
	if r.State == to {
		return *r, nil
	}
	if r.State != RefundProcessing && r.State != RefundAbnormal {
		return *r, fmt.Errorf("refund from %s to %s: %w", r.State, to, ErrState)
	}
	if to == RefundSuccess {
		b.charges[r.ChargeKey].RefundedFen += r.AmountFen
	}
	r.State = to
	return *r, nil
}

// RefundByKey looks a refund up.
func (b *Book) RefundByKey(key string) (Refund, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, ok := b.refunds[key]
	if !ok {
		return Refund{}, false
	}
	return *r, true
}

// RefundsOf lists a charge's refunds in the order of their making.
func (b *Book) RefundsOf(chargeKey string) []Refund {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []Refund
	for _, key := range b.byCharge[chargeKey] {
		list = append(list, *b.refunds[key])
	}
	return list
}
