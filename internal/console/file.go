package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// This file turns what the books know of a payment into what its pages show:
// the money by channel, what was said, the refunds and the other cases.

// patientData is the patient, masked, or in clear on the one page that follows
// a recorded purpose.
type patientData struct {
	Name, IDNumber, Phone string
	Clear                 *store.Revealed
	MayReveal             bool
	Action, CaseID        string // of the form
	Wrong                 string // a word's key
}

func patientOf(p *page, f store.File, caseID string) patientData {
	return patientData{Name: f.Patient.Name, IDNumber: f.Patient.IDNumber, Phone: f.Patient.Phone, CaseID: caseID,
		MayReveal: p.can(staff.Reveal, f.Payment.HospitalID), Action: base + "/payments/" + f.Payment.ID + "/reveal"}
}

// moneyData is the money so far, by tender.
type moneyData struct {
	Tenders []tenderMoney
	Total   tenderMoney
}

type tenderMoney struct {
	Channel               payment.Channel
	Asked, In, Back, Kept money.Money
}

// less is a - b. Amounts of one payment have one currency.
func less(a, b money.Money) money.Money {
	d, err := a.Sub(b)
	if err != nil {
		return a
	}
	return d
}

func moneyOf(f store.File) moneyData {
	m := moneyData{Total: tenderMoney{Asked: f.Payment.Amount, In: f.Payment.Captured}}
	for _, a := range f.Attempts {
		t := tenderMoney{Channel: a.Channel, Asked: a.Amount, In: a.Captured, Back: a.Refunded, Kept: less(a.Captured, a.Refunded)}
		m.Tenders = append(m.Tenders, t)
		if sum, err := m.Total.Back.Add(a.Refunded); err == nil {
			m.Total.Back = sum
		}
	}
	m.Total.Kept = less(m.Total.In, m.Total.Back)
	return m
}

// exchange is what was sent to a counterparty for one attempt, and what it
// answered.
type exchange struct {
	Channel        payment.Channel
	Attempt        int
	State          channel.State
	HIS            string // the word for how it stands, where the other side is the HIS and no channel
	Sent, Answered []fact
}

// fact is a name with its value; Mono is for numbers and codes.
type fact struct {
	Name, Value string
	Mono        bool
}

// facts collects those that have a value.
type facts struct {
	lang Language
	all  []fact
}

func (f *facts) add(key, value string, mono bool) {
	if value != "" {
		f.all = append(f.all, fact{say(f.lang, key), value, mono})
	}
}

func exchangesOf(p *page, f store.File) []exchange {
	out := make([]exchange, 0, len(f.Attempts))
	last := map[payment.Channel]int{}
	for _, a := range f.Attempts {
		last[a.Channel] = len(out)
		out = append(out, exchange{Channel: a.Channel, Attempt: a.Attempt, State: a.State, Sent: sentOf(p, a), Answered: answeredOf(p, a)})
	}
	for _, n := range f.Notices { // of a channel, and its latest attempt is the one that people ask about
		if i, ok := last[n.Channel]; ok {
			out[i].Answered = append(out[i].Answered, fact{Name: say(p.lang, "answer_notice"), Value: when(n.ReceivedAt) + " " + sayCode(p.lang, "noticeoutcome", n.Outcome)})
		}
	}
	if his, ok := hisExchange(p, f); ok {
		out = append(out, his)
	}
	slices.Reverse(out)
	return out
}

func sentOf(p *page, a store.AttemptFile) []fact {
	f := facts{lang: p.lang}
	f.add("sent_at", when(a.Sent.At), false)
	f.add("sent_merchant_no", a.MerchantNo, true)
	f.add("sent_amount", yuan(a.Amount), false)
	f.add("sent_description", a.Sent.Description, false)
	f.add("sent_expires", when(a.Sent.ExpiresAt), false)
	if a.Channel == payment.Insurance {
		f.add("sent_psn", a.Sent.PsnNo, true)
		f.add("sent_city", a.Sent.City, true)
		authorised := "sent_authorised_no"
		if a.Sent.Authorised {
			authorised = "sent_authorised_yes"
		}
		f.add("sent_authorised", say(p.lang, authorised), false)
	}
	return f.all
}

func answeredOf(p *page, a store.AttemptFile) []fact {
	f := facts{lang: p.lang}
	if a.Prepaid {
		f.add("answer_prepaid", say(p.lang, "answer_prepaid_yes"), false)
	}
	if a.Prepaid || a.Code != "" || a.State != channel.Open {
		f.add("answer_state", sayCode(p.lang, "attemptstate", string(a.State)), false)
	}
	f.add("answer_code", theirWord(p.lang, a.Channel, a.Code), false)
	for _, c := range a.Captures {
		at := c.Report.CapturedAt
		if at.IsZero() {
			at = c.RecordedAt
		}
		f.add("channel_no", c.ChannelNo, true)
		f.add("answer_received", yuan(c.Amount), false)
		f.add("answer_at", when(at), false)
		if split := c.Report.Split; split != nil {
			f.add("answer_fund", yuan(split.Fund), false)
			f.add("answer_account", yuan(split.Account), false)
			f.add("answer_own", yuan(split.Own), false)
		}
	}
	return f.all
}

// theirWord is a counterparty's code, with words for those that are known.
func theirWord(l Language, side payment.Channel, code string) string {
	if words := meaningOf(l, side, code); words != "" {
		return words + " (" + code + ")"
	}
	return code
}

// refundData is one refund with what happened to it.
type refundData struct {
	N                           int
	No, ChannelNo, Code, Reason string
	Channel                     payment.Channel
	State                       string
	Amount                      money.Money
	Offline                     bool
	ExpectedBy                  time.Time
	Steps                       []refundStep
}

type refundStep struct {
	At         time.Time
	Text, Code string
}

func refundsOf(p *page, f store.File) []refundData {
	var out []refundData
	for _, r := range f.Refunds {
		d := refundData{N: r.N, No: r.Refund.No, ChannelNo: r.ChannelNo, Code: r.Code, Reason: r.Refund.Reason, Channel: r.Channel,
			State: string(r.State), Amount: r.Refund.Amount, Offline: r.Offline, ExpectedBy: r.ExpectedBy}
		if r.Offline && r.State == channel.RefundSucceeded {
			d.State, d.Code = "offline", ""
		}
		for _, h := range f.Timeline {
			if h.Detail["refund"] == strconv.Itoa(r.N) && strings.HasPrefix(h.Action, "refund_") {
				d.Steps = append(d.Steps, refundStep{At: h.At, Text: sayCode(p.lang, "action", h.Action), Code: h.Detail["code"]})
			}
		}
		out = append(out, d)
	}
	return out
}

// caseList is a headed list of other cases.
type caseList struct {
	ID, Head string // Head is a word's key
	Cases    []otherCase
}

type otherCase struct {
	ID, OrderNo, By     string
	Reason              payment.Reason
	Amount              money.Money
	OpenedAt, DecidedAt time.Time
	Decided             bool
	Verdict             payment.Verdict
}

func samePayment(f store.File, but string, who *names) caseList {
	l := caseList{ID: "same-payment", Head: "case_same_payment"}
	for _, c := range f.Cases {
		if c.ID == but {
			continue
		}
		o := otherCase{ID: c.ID, OrderNo: c.OrderNo, Reason: c.Reason, Amount: c.Amount, OpenedAt: c.OpenedAt}
		if c.Decision != nil {
			o.Decided, o.Verdict, o.By, o.DecidedAt = true, c.Decision.Verdict, who.of(c.Decision.Operator), c.DecidedAt
		}
		l.Cases = append(l.Cases, o)
	}
	return l
}

func samePatient(all []store.Earlier, who *names) caseList {
	l := caseList{ID: "same-patient", Head: "case_earlier"}
	for _, e := range all {
		for _, c := range e.Cases {
			l.Cases = append(l.Cases, otherCase{ID: c.ID, OrderNo: e.OrderNo, Reason: c.Reason, Amount: e.Amount, OpenedAt: c.OpenedAt,
				Decided: !c.DecidedAt.IsZero(), DecidedAt: c.DecidedAt, Verdict: c.Verdict, By: who.of(c.Operator)})
		}
	}
	return l
}

// refundOfCase is the number of the refund that a case is about, as its id
// tells; zero when it is the payment's own case.
func refundOfCase(paymentID, caseID string) int {
	var n, c int
	rest, ok := strings.CutPrefix(caseID, paymentID+"-R")
	if !ok {
		return 0
	}
	if got, err := fmt.Sscanf(rest, "%d-C%d", &n, &c); err != nil || got != 2 {
		return 0
	}
	return n
}
