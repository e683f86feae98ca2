package console

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// happening is a line of the timeline, in words.
type happening struct {
	At       time.Time
	Text, By string
	Tone     string // of its mark: "", good, bad, people or looks
	Details  []fact
}

// unsaid are details that the pages' timelines leave out and the audit log has:
// numbers of the system's own, and what the line itself says already.
func unsaid() []string {
	return []string{"attempt", "case", "challenge", "currency", "from", "notice", "refund", "status"}
}

// timelineOf words what happened to a payment of a hospital. What somebody
// wanted a patient's data for can name the patient: it is for those who could
// see them.
func timelineOf(p *page, hospital string, all []store.Happening, who *names) []happening {
	open := p.can(staff.Reveal, hospital)
	out := make([]happening, len(all))
	sides := map[string]string{} // channels by attempt
	for i, h := range all {
		detail := maps.Clone(h.Detail)
		if a := detail["attempt"]; a != "" && detail["channel"] != "" {
			sides[a] = detail["channel"]
		} else if side := sides[a]; side != "" {
			detail["channel"] = side
		}
		if !open {
			delete(detail, "purpose")
		}
		if detail["why"] == detail["reason"] {
			delete(detail, "reason")
		}
		if payment.Reason(detail["why"]) == payment.ReviewRisk { // the code is no channel's
			detail["rule"] = detail["code"]
			delete(detail, "code")
		}
		line := happening{At: h.At, Text: sayCode(p.lang, "action", h.Action), By: who.of(h.Actor), Tone: toneOf(h.Action)}
		if to := detail["status"]; to != "" && (h.Action == "moved" || h.Action == "opened") {
			line.Text += " · " + sayCode(p.lang, "status", to)
		}
		for _, name := range unsaid() {
			delete(detail, name)
		}
		line.Details = detailsOf(p, detail)
		out[i] = line
	}
	return out
}

// toneOf sorts an action: money that moved as it should, trouble, what people
// did, and the rest.
func toneOf(action string) string {
	switch action {
	case "captured", "registered", "completed", "refund_succeeded", "verified", "refund_offline":
		return "good"
	case "case_opened", "case_overdue", "registration_refused", "refund_failed", "refund_abnormal", "verification_failed":
		return "bad"
	case "case_decided", "decision_proposed", "personal_data_revealed", "decision_asked", "cancel_asked", "refund_asked":
		return "people"
	case "case_claimed", "case_released", "case_viewed", "payment_viewed", "log_viewed":
		return "looks" // left out on paper
	}
	return ""
}

// detailsOf words the details of a record, in the order of their names. The
// value of a name that is not known is passed on as it is.
func detailsOf(p *page, detail map[string]string) []fact {
	var out []fact
	for _, name := range slices.Sorted(maps.Keys(detail)) {
		value := detail[name]
		if value == "" {
			continue
		}
		f := fact{Name: sayCode(p.lang, "detail", name), Value: value}
		switch name {
		case "amount_fen":
			f.Value = fenText(value)
		case "status", "from":
			if words := sayCode(p.lang, "status", value); words != value {
				f.Value = words
			} else if at, err := time.Parse(time.RFC3339Nano, value); err == nil {
				f.Value = when(at)
			}
		case "until", "expected_by":
			if at, err := time.Parse(time.RFC3339Nano, value); err == nil {
				f.Value = when(at)
			}
		case "decision":
			f.Value = sayCode(p.lang, "verdict_name", value)
		case "channel", "self_pay":
			f.Value = sayCode(p.lang, "channel", value)
		case "method":
			f.Value = sayCode(p.lang, "method", value)
		case "state":
			f.Value = sayCode(p.lang, "attemptstate", value)
		case "system":
			f.Value = sayCode(p.lang, "system", value)
		case "reason", "why":
			f.Value = reasonWords(p.lang, value)
		case "code":
			f.Value = codeWords(p.lang, detail)
		case "rule":
			f.Value = sayCode(p.lang, "rule", value)
		case "risk":
			f.Value = sayCode(p.lang, "riskverdict", value)
		case "kind", "scene", "via":
			f.Value = sayCode(p.lang, name, value)
		case "roles":
			f.Value = wordEach(p.lang, "role", value)
		case "handed_by", "purpose", "note", "name":
		default:
			f.Mono = true
		}
		out = append(out, f)
	}
	return out
}

// codeWords words a code of a record as its reason or its channel means it.
func codeWords(l Language, detail map[string]string) string {
	code := detail["code"]
	why := payment.Reason(detail["why"])
	if words := detailMeaning(l, why, code); words != "" && why == payment.ReviewSplitMismatch {
		return words
	} else if words != "" {
		return words + " (" + code + ")"
	}
	return theirWord(l, payment.Channel(detail["channel"]), code)
}

// reasonWords words the reason of a state, which is a case's or a code's.
func reasonWords(l Language, code string) string {
	if words := sayCode(l, "reason_title", code); words != code {
		return words
	}
	return sayCode(l, "whycode", code)
}

// wordEach words a list of codes.
func wordEach(l Language, prefix, list string) string {
	parts := strings.Split(list, ",")
	for i, code := range parts {
		parts[i] = sayCode(l, prefix, code)
	}
	return strings.Join(parts, say(l, "list_separator"))
}
