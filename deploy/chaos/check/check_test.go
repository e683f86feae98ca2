package check

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAWorldInWhichEveryRuleHoldsHasNoViolation(t *testing.T) {
	require.Empty(t, Check(whole()))
}

// remove takes out what a test says, and makes sure that something was there.
func remove[T any](all []T, gone func(T) bool) []T {
	left := slices.DeleteFunc(slices.Clone(all), gone)
	if len(left) == len(all) {
		panic("nothing to take out")
	}
	return left
}

// TestEveryBrokenRuleIsFound breaks one thing at a time, as a defect of the
// product would, and names the rule that has to report it.
func TestEveryBrokenRuleIsFound(t *testing.T) {
	for name, broken := range map[string]struct {
		rule   string
		change func(*World)
	}{
		"two channels kept money of one order": {"I1", func(w *World) {
			w.Charges = append(w.Charges, Charge{Hospital: "h-one", Channel: "unionpay", MerchantNo: "ORDER1A02", ChannelNo: "x", CapturedFen: 5000, At: at(5)})
		}},
		"a channel kept two charges": {"I1", func(w *World) {
			c := w.Charges[0]
			c.MerchantNo, c.ChannelNo = "ORDER1A02", "x"
			w.Charges = append(w.Charges, c)
		}},
		"the second payment of a patient was not returned": {"I1", func(w *World) {
			for i, c := range w.Charges {
				if c.ChannelNo == "4299" {
					w.Charges[i].RefundedFen = 0
				}
			}
		}},
		"late money of a closed order was kept": {"I1", func(w *World) {
			w.Charges = append(w.Charges, Charge{Hospital: "h-one", Channel: "wechat", MerchantNo: "ORDER4A01", ChannelNo: "x", CapturedFen: 3000, At: at(5)})
		}},
		"a refunded payment was refunded in part":      {"I1", func(w *World) { w.Charges[3].RefundedFen = 3999 }},
		"more was returned than the backend asked for": {"I1", func(w *World) { w.Orders[6].ReturnFen = 400 }},
		"money of an order that nobody made": {"I1", func(w *World) {
			w.Charges = append(w.Charges, Charge{Hospital: "h-two", Channel: "wechat", MerchantNo: "ORDER1A01", CapturedFen: 1, At: at(5)})
		}},

		"an order was lost":           {"I2", func(w *World) { w.Payments = remove(w.Payments, func(p Payment) bool { return p.Order == "ORDER4" }) }},
		"completed, not registered":   {"I2", func(w *World) { w.Appointments = w.Appointments[1:] }},
		"completed, cancelled there":  {"I2", func(w *World) { w.Appointments[0].Status = "cancelled" }},
		"registered on another slot":  {"I2", func(w *World) { w.Appointments[0].Slot = "slot-x" }},
		"registered for another fee":  {"I2", func(w *World) { w.Appointments[0].PaidFen-- }},
		"completed without a voucher": {"I2", func(w *World) { w.Payments[0].Voucher = "" }},
		"a voucher stays temporary":   {"I2", func(w *World) { w.Payments[0].VoucherFinal = false }},
		"refunded, still registered": {"I2", func(w *World) {
			w.Appointments = append(w.Appointments, Appointment{Key: Key{"h-one", "ORDER3"}, Status: "booked"})
		}},
		"registered, never asked for": {"I2", func(w *World) {
			w.Appointments = append(w.Appointments, Appointment{Key: Key{"h-one", "ORDERX"}, Status: "booked"})
		}},
		"a payment without an owner": {"I2", func(w *World) { w.Payments[3].Status = "clearing" }},
		"in review without a case":   {"I2", func(w *World) { w.Cases = remove(w.Cases, func(c Case) bool { return c.Open }) }},
		"a case without a deadline":  {"I2", func(w *World) { w.Cases[0].Deadline = w.Cases[0].OpenedAt }},
		"a case nobody can decide":   {"I2", func(w *World) { w.Cases[0].Allowed = 0 }},
		"completed without money":    {"I2", func(w *World) { w.Charges = w.Charges[1:] }},

		"a charge was sent twice": {"I3", func(w *World) {
			c := w.Charges[0]
			c.State, c.CapturedFen = "open", 0
			w.Charges = append(w.Charges, c)
		}},
		"a refund was sent twice":          {"I3", func(w *World) { w.Refunds = append(w.Refunds, w.Refunds[0]) }},
		"registered twice":                 {"I3", func(w *World) { w.Appointments = append(w.Appointments, w.Appointments[0]) }},
		"a third payment of the same kind": {"I3", func(w *World) { w.Charges = append(w.Charges, w.Charges[len(w.Charges)-1]) }},

		"a number made at random":         {"I4", func(w *World) { w.Charges[0].MerchantNo = "5f0a1c" }},
		"a charge with a refund's number": {"I4", func(w *World) { w.Charges[0].MerchantNo = "ORDER1R01" }},
		"a refund under another order":    {"I4", func(w *World) { w.Refunds[0].RefundNo = "ORDER1R01" }},

		"a charge that is not on disk": {"I5", func(w *World) { w.Attempts = w.Attempts[1:] }},
		"the disk had it afterwards":   {"I5", func(w *World) { w.Attempts[0].At = at(3) }},
		"a refund that is not on disk": {"I5", func(w *World) { w.Returns = w.Returns[1:] }},

		"a channel returned more than came in": {"I6", func(w *World) { w.Charges[0].RefundedFen = 5001 }},
		"refunds under way exceed the capture": {"I6", func(w *World) {
			w.Refunds = append(w.Refunds, Refund{Hospital: "h-one", Channel: "wechat", MerchantNo: "ORDER3A01", RefundNo: "ORDER3R02", State: "processing", AmountFen: 1})
		}},
		"the books returned more than was set aside": {"I6", func(w *World) { w.Payments[2].RefundedFen++ }},
		"the books set aside more than came in":      {"I6", func(w *World) { w.Payments[0].ReservedFen = 5001 }},

		"a transaction does not balance":   {"I7", func(w *World) { w.Ledger[1].Fen++ }},
		"a transaction with one line":      {"I7", func(w *World) { w.Ledger = append(w.Ledger, Entry{Transaction: "x", Currency: "CNY"}) }},
		"a capture is not in the ledger":   {"I7", func(w *World) { w.Ledger = w.Ledger[2:] }},
		"a capture is in the ledger twice": {"I7", func(w *World) { w.Ledger = append(w.Ledger, copyOf(w.Ledger[:2])...) }},
		"a refund is not in the ledger": {"I7", func(w *World) {
			w.Ledger = remove(w.Ledger, func(e Entry) bool { return e.Transaction == "refund ORDER3R01" })
		}},
		"the ledger has what no channel knows": {"I7", func(w *World) { w.Charges[0].CapturedFen = 0 }},

		"a line of the log was altered":        {"I8", func(w *World) { w.BrokenChains = map[string]string{"pay_ORDER1": "does not follow"} }},
		"a line of the log is gone":            {"I8", func(w *World) { w.Audit = append(w.Audit[:1:1], w.Audit[2:]...) }},
		"the log's end is gone":                {"I8", func(w *World) { w.Audit = remove(w.Audit, func(r Record) bool { return r.Action == "completed" }) }},
		"two lines do not follow":              {"I8", func(w *World) { w.Audit[1].Prev = "x" }},
		"a status was changed without the log": {"I8", func(w *World) { w.Payments[3].Status = "rejected" }},
		"a capture without a line":             {"I8", func(w *World) { rename(w, "captured") }},
		"an attempt without a line":            {"I8", func(w *World) { rename(w, "attempt") }},
		"a refund without a line":              {"I8", func(w *World) { rename(w, "refund_reserved") }},
		"a returned refund without a line":     {"I8", func(w *World) { rename(w, "refund_succeeded") }},
		"a case without a line":                {"I8", func(w *World) { rename(w, "case_opened") }},
		"a decision without a line":            {"I8", func(w *World) { rename(w, "case_decided") }},

		"a forgery was believed":           {"I9", func(w *World) { w.Believed = []Notice{{"wechat", "x", "paid"}} }},
		"thanked for and not kept":         {"I9", func(w *World) { w.Webhooks = w.Webhooks[1:] }},
		"kept without its bytes":           {"I9", func(w *World) { w.Webhooks[0].Bytes = 0 }},
		"a capture that no channel made":   {"I9", func(w *World) { w.Captures[0].ChannelNo = "x" }},
		"a capture of another amount":      {"I9", func(w *World) { w.Captures[0].AmountFen-- }},
		"one capture counted twice":        {"I9", func(w *World) { w.Captures = append(w.Captures, w.Captures[0]) }},
		"a patient's name stands in a log": {"I10", func(w *World) { w.Leaks = []Leak{{"worker-1.log", "name"}} }},

		"the backend knows another end":    {"told", func(w *World) { w.Orders[0].Told = "paid" }},
		"a workflow runs without end":      {"rest", func(w *World) { w.Running = append(w.Running, Workflow{"stray/wechat/1", "StrayPayment"}) }},
		"a refund is under way for nobody": {"rest", func(w *World) { w.Returns[0].State = "processing" }},
	} {
		t.Run(name, func(t *testing.T) {
			w := whole()
			broken.change(&w)
			found := Check(w)
			require.True(t, slices.ContainsFunc(found, func(v Violation) bool { return v.Rule == broken.rule }), "found only %v", found)
		})
	}
}

func copyOf(all []Entry) []Entry { return slices.Clone(all) }

// rename makes a kind of line of the log one that nobody knows.
func rename(w *World, action string) {
	for i := range w.Audit {
		if w.Audit[i].Action == action {
			w.Audit[i].Action = "something"
		}
	}
}

func TestViolationsComeInTheOrderOfTheRules(t *testing.T) {
	w := whole()
	w.Leaks = []Leak{{"worker-1.log", "name"}}
	w.Appointments = w.Appointments[1:]
	found := Check(w)
	require.Equal(t, "I2", found[0].Rule)
	require.Equal(t, "I10", found[len(found)-1].Rule)
}

func TestNumbersAreTakenApartAsTheyAreMade(t *testing.T) {
	for no, want := range map[string]string{"ORDER1A01": "ORDER1", "ORDER1R99": "ORDER1", "A01": "", "ORDER1A00": "", "ORDER1B01": "", "ORDER1A1": "", "": ""} {
		order, _, ok := split(no)
		require.Equal(t, want, order, no)
		require.Equal(t, want != "", ok, no)
	}
}
