package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/regpay/regpay/deploy/chaos/check"
	"github.com/regpay/regpay/internal/payment"
)

// billTime bounds one call of the command line.
const billTime = time.Minute

// billed names one payment as a channel's bill does.
type billed struct{ Hospital, MerchantNo, ChannelNo string }

// unseen are the payments of a channel's bill that nobody could find otherwise:
// UnionPay lets a patient pay an order twice, shows the first payment when it is
// asked about the order, and tells of the other one by a notification alone.
// Money by a number that was paid once has to be found without the bill.
func unseen(w check.World) (all []billed) {
	times, known := map[billed]int{}, map[string]bool{}
	for _, c := range w.Charges {
		if c.Channel == string(payment.UnionPay) && c.CapturedFen > 0 {
			times[billed{Hospital: c.Hospital, MerchantNo: c.MerchantNo}]++
		}
	}
	for _, c := range w.Captures {
		known[c.Channel+" "+c.ChannelNo] = true
	}
	for _, c := range w.Charges {
		if c.RefundedFen == 0 && times[billed{Hospital: c.Hospital, MerchantNo: c.MerchantNo}] > 1 && !known[c.Channel+" "+c.ChannelNo] {
			all = append(all, billed{c.Hospital, c.MerchantNo, c.ChannelNo})
		}
	}
	return all
}

// reconcile does what finance does about them, each once: it has regpay ask the
// channel. It says whether anything was found.
func (r *run) reconcile(ctx context.Context, w check.World) (bool, error) {
	found := false
	for _, b := range unseen(w) {
		order, _, ok := payment.SplitMerchantNo(b.MerchantNo)
		key := check.Key{Hospital: b.Hospital, Order: order}
		if !ok || r.fromBill[key] {
			continue
		}
		asking, cancel := context.WithTimeout(ctx, billTime)
		cmd := r.in.Starter(asking, "", "stray", "--log", "error", "--hospital", b.Hospital, "--merchant-no", b.MerchantNo, "--channel-no", b.ChannelNo)
		var said bytes.Buffer
		cmd.Stderr = &said
		err := cmd.Run()
		cancel()
		if err != nil {
			return found, fmt.Errorf("look for %s of the bill: %w: %s", b.MerchantNo, err, strings.TrimSpace(said.String()))
		}
		r.fromBill[key], found = true, true
	}
	return found, nil
}
