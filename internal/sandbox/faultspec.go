package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
)

// FaultSpec says what shall go wrong at a counterparty. Rates are between 0 and
// 1; the zero value is a counterparty in good health.
type FaultSpec struct {
	// Seed makes the choices repeatable; 0 takes the sandbox's own.
	Seed      uint64  `json:"seed,omitempty"`
	LatencyMS Latency `json:"latency_ms"`
	// Outage drops connections and answers 503 by turns; nothing is executed.
	Outage bool `json:"outage"`
	// Error refuses a request, in the counterparty's own words, unexecuted.
	Error ErrorFault `json:"error"`
	// ReplyLost executes a request and then cuts the connection.
	ReplyLost    ReplyLostFault    `json:"reply_lost"`
	Notification NotificationFault `json:"notification"`
	Insurance    InsuranceFault    `json:"insurance"`
	HIS          HISFault          `json:"his"`
}

// Latency describes a distribution of delays in milliseconds: log-normal
// through its median and 95th percentile, cut at Max (0: not cut).
type Latency struct {
	P50 int64 `json:"p50"`
	P95 int64 `json:"p95"`
	Max int64 `json:"max,omitempty"`
}

// ErrorFault refuses a share of requests with an error code.
type ErrorFault struct {
	Rate float64 `json:"rate"`
	Code string  `json:"code"`
	// Operations it applies to; all when empty.
	Operations []string `json:"operations,omitempty"`
}

// ReplyLostFault loses a share of replies.
type ReplyLostFault struct {
	Rate float64 `json:"rate"`
	// Operations it applies to; all when empty.
	Operations []string `json:"operations,omitempty"`
}

// NotificationFault disturbs the delivery of notifications.
type NotificationFault struct {
	// DelayMS before the first delivery.
	DelayMS int64 `json:"delay_ms"`
	// MissingRate is the share that is never delivered.
	MissingRate float64 `json:"missing_rate"`
	// Repeat delivers an acknowledged notification this many times in all;
	// 0 and 1 both mean once.
	Repeat int `json:"repeat"`
	// ReorderRate is the share that is held back until a later one has gone.
	ReorderRate float64 `json:"reorder_rate"`
	// ForgedRate is the share that is preceded by a forgery of it.
	ForgedRate float64 `json:"forged_rate"`
}

// InsuranceFault disturbs the insurance's clearing.
type InsuranceFault struct {
	ClearingMS Latency `json:"clearing_ms"`
	// SettlesInCall has 6202 answer with the end of an order whose patient acts
	// at once, as some platforms do: no time is spent on clearing. The rates and
	// the notice 6302 are as ever.
	SettlesInCall bool    `json:"settles_in_call"`
	FailRate      float64 `json:"fail_rate"`
	UnknownRate   float64 `json:"unknown_rate"`
	SplitOffRate  float64 `json:"split_off_rate"`
}

// HISFault disturbs the HIS.
type HISFault struct {
	SlotGoneRate float64 `json:"slot_gone_rate"`
}

// ParseFaultSpec reads a spec from JSON; unknown fields, rates outside 0..1 and
// negative times are refused, since a mistyped fault would silently test nothing.
func ParseFaultSpec(r io.Reader) (FaultSpec, error) {
	var spec FaultSpec
	decoder := json.NewDecoder(io.LimitReader(r, maxAdminBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&spec); err != nil {
		return FaultSpec{}, fmt.Errorf("reading faults: %w", err)
	}
	return spec, spec.Validate()
}

// Validate reports the first field that makes no sense.
func (s FaultSpec) Validate() error {
	for _, rate := range []struct {
		name  string
		value float64
	}{
		{"error.rate", s.Error.Rate}, {"reply_lost.rate", s.ReplyLost.Rate},
		{"notification.missing_rate", s.Notification.MissingRate},
		{"notification.reorder_rate", s.Notification.ReorderRate},
		{"notification.forged_rate", s.Notification.ForgedRate},
		{"insurance.fail_rate", s.Insurance.FailRate}, {"insurance.unknown_rate", s.Insurance.UnknownRate},
		{"insurance.split_off_rate", s.Insurance.SplitOffRate}, {"his.slot_gone_rate", s.HIS.SlotGoneRate},
	} {
		if !(rate.value >= 0 && rate.value <= 1) { // written so that NaN fails too
			return fmt.Errorf("faults: %s is not between 0 and 1", rate.name)
		}
	}
	for _, number := range []struct {
		name  string
		value int64
	}{
		{"latency_ms.p50", s.LatencyMS.P50}, {"latency_ms.p95", s.LatencyMS.P95}, {"latency_ms.max", s.LatencyMS.Max},
		{"notification.delay_ms", s.Notification.DelayMS}, {"notification.repeat", int64(s.Notification.Repeat)},
		{"insurance.clearing_ms.p50", s.Insurance.ClearingMS.P50},
		{"insurance.clearing_ms.p95", s.Insurance.ClearingMS.P95},
		{"insurance.clearing_ms.max", s.Insurance.ClearingMS.Max},
	} {
		if number.value < 0 || number.value > maxFaultNumber {
			return fmt.Errorf("faults: %s is not between 0 and %d", number.name, maxFaultNumber)
		}
	}
	if s.Error.Rate > 0 && s.Error.Code == "" {
		return fmt.Errorf("faults: error.rate without error.code")
	}
	if s.Insurance.SettlesInCall && s.Insurance.ClearingMS != (Latency{}) {
		return fmt.Errorf("faults: insurance.clearing_ms with insurance.settles_in_call, which leaves nothing to clear")
	}
	return nil
}

// maxFaultNumber is a day in milliseconds: longer waits would outlive a test.
const maxFaultNumber = 24 * 60 * 60 * 1000
