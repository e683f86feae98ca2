package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// summary is what SUMMARY=file.json writes: the table and the checks, for
// programs. Times of day are UTC, durations milliseconds.
type summary struct {
	StartedAt time.Time `json:"started_at"` // of the day, after the stack was up
	StackMS   int64     `json:"stack_ms"`   // what bringing the stack up took
	DayMS     int64     `json:"day_ms"`     // what playing the day took
	Rows      int       `json:"rows"`
	// Repeated counts calls of the API that got no answer and were made once
	// more, as is safe: 0 on a machine that is not overloaded.
	Repeated int64 `json:"repeated_calls"`
	// OK says that every check holds; the exit status says the same.
	OK         bool         `json:"ok"`
	Ways       []way        `json:"ways"`
	Checks     []check      `json:"checks"`
	Unexpected []unexpected `json:"unexpected"` // never null
	Addresses  addresses    `json:"addresses"`
}

// unexpected is a registration that ended otherwise than the file expects.
type unexpected struct {
	No       string   `json:"no"`
	Order    string   `json:"order_no"`
	Payment  string   `json:"payment_id,omitempty"`
	Way      string   `json:"way"`
	Expected []string `json:"expected"`
	Got      string   `json:"got"` // a status; empty when it never came into being
	Reason   string   `json:"reason,omitempty"`
	Error    string   `json:"error,omitempty"`
}

// addresses are where things can be opened. The servers answer only while the
// stack is up; the voucher's pictures stay.
type addresses struct {
	API            string `json:"api"`
	Docs           string `json:"docs"`
	Console        string `json:"console"` // of staff
	TemporalUI     string `json:"temporal_ui,omitempty"`
	Codec          string `json:"codec,omitempty"` // sign in here to read payloads in the UI
	CodecTokenFile string `json:"codec_token_file,omitempty"`
	Voucher        string `json:"voucher,omitempty"`
	VoucherPNG     string `json:"voucher_png,omitempty"` // a file
	VoucherSVG     string `json:"voucher_svg,omitempty"` // a file
	APIKeyFile     string `json:"api_key_file,omitempty"`
	SandboxBook    string `json:"sandbox_books,omitempty"`
}

// asExpected is the check of the file's own column, with what failed it.
func asExpected(outcomes []outcome) (check, []unexpected) {
	all := []unexpected{}
	for _, o := range outcomes {
		if o.asExpected() {
			continue
		}
		u := unexpected{No: o.registration.No, Order: o.order, Payment: o.paymentID, Way: string(o.registration.Choice.Method),
			Got: string(o.status()), Reason: o.final.Reason}
		for _, s := range o.registration.Expected {
			u.Expected = append(u.Expected, string(s))
		}
		if o.err != nil {
			u.Error = o.err.Error()
		}
		all = append(all, u)
	}
	c := check{Name: "ended_as_expected", OK: len(all) == 0, Detail: fmt.Sprintf("%d of %d", len(outcomes)-len(all), len(outcomes))}
	return c, all
}

func (u unexpected) String() string {
	s := fmt.Sprintf("registration %s, order %s (%s): expected %v, is %q", u.No, u.Order, u.Way, u.Expected, u.Got)
	if u.Reason != "" {
		s += ", reason " + u.Reason
	}
	if u.Error != "" {
		s += ": " + u.Error
	}
	return s
}

func (s summary) write(path string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	return nil
}
