package payment

import (
	"crypto/sha256"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/regpay/regpay/internal/money"
)

// System is what a maintenance window closes: one channel, the HIS, or the
// whole hospital, which stands for every one of its systems towards patients.
type System string

// The systems beside the channels, which carry their own names.
const (
	SystemHIS      System = "his"
	SystemHospital System = "hospital"
)

// SystemOf is a channel as a system.
func SystemOf(ch Channel) System { return System(ch) }

// Systems lists every system that can be in maintenance.
func Systems() []System {
	all := make([]System, 0, len(Channels())+2)
	for _, ch := range Channels() {
		all = append(all, SystemOf(ch))
	}
	return append(all, SystemHIS, SystemHospital)
}

// Bounds of a maintenance window.
const (
	// MaxMaintenance is the longest one: a mistyped year must not close a
	// hospital for good.
	MaxMaintenance = 7 * 24 * time.Hour
	// MaxNotice is how far ahead one can be announced.
	MaxNotice = 366 * 24 * time.Hour
	// startSlack forgives a caller whose clock is behind ours.
	startSlack = time.Minute
	// maxNote is in characters.
	maxNote = 200
)

// WindowState says where a window stands at a time.
type WindowState string

// The states of a window. One that is ended before its time is past, also when
// it had not begun.
const (
	WindowUpcoming WindowState = "upcoming"
	WindowActive   WindowState = "active"
	WindowPast     WindowState = "past"
)

// ReasonMaintenance is the reason of a payment that is Suspended.
const ReasonMaintenance = "maintenance"

// Window is a time in which a system of a hospital is not to be used: nothing
// new is sent to it, and payments that need it wait. Windows may overlap; a
// system is back when none of them is open.
type Window struct {
	ID         string
	HospitalID string
	System     System
	// From is the first moment of it, Until the first after it.
	From  time.Time
	Until time.Time
	// Note is for people, without personal data.
	Note        string
	AnnouncedBy string
	AnnouncedAt time.Time
	// EndedAt is when it was ended before its time, zero when it was not.
	EndedAt time.Time
	EndedBy string
}

var windowKey = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._:-]{0,63}$`)

// IsWindowKey says whether a caller can name a window so: 1 to 64 letters,
// digits and . _ : -
func IsWindowKey(key string) bool { return windowKey.MatchString(key) }

// WindowID names a window. It is derived from the announcer's own key, so that
// announcing once more finds the window that is there.
func WindowID(hospital, key string) string {
	sum := sha256.Sum256([]byte("regpay maintenance\x00" + hospital + "\x00" + key))
	return "mw_" + idAlphabet.EncodeToString(sum[:15])
}

// Over is when the window ends: at its announced time, or when it was ended.
func (w Window) Over() time.Time {
	if !w.EndedAt.IsZero() && w.EndedAt.Before(w.Until) {
		return w.EndedAt
	}
	return w.Until
}

// State says where the window stands at t.
func (w Window) State(t time.Time) WindowState {
	switch {
	case !t.Before(w.Over()):
		return WindowPast
	case t.Before(w.From):
		return WindowUpcoming
	}
	return WindowActive
}

// Active says whether the window is open at t.
func (w Window) Active(t time.Time) bool { return w.State(t) == WindowActive }

// Check finds everything that is wrong with a window announced at now, as
// Problems, or returns nil.
func (w Window) Check(now time.Time) error {
	var ps Problems
	if !IsHospitalID(w.HospitalID) {
		ps.add("hospital_id", CodeHospital, "not a hospital's id")
	}
	if !slices.Contains(Systems(), w.System) {
		ps.add("system", CodeWindowSystem, "the system is wechat, unionpay, insurance, his or hospital")
	}
	switch {
	case w.From.IsZero():
		ps.add("from", CodeWindow, "a window has a beginning")
	case w.From.Before(now.Add(-startSlack)):
		ps.add("from", CodeWindow, "a window is announced before it begins")
	case w.From.After(now.Add(MaxNotice)):
		ps.add("from", CodeWindow, "a window is announced at most a year ahead")
	}
	switch {
	case !w.Until.After(w.From):
		ps.add("until", CodeWindow, "a window ends after it begins")
	case !w.Until.After(now):
		ps.add("until", CodeWindow, "a window does not end in the past")
	case w.Until.Sub(w.From) > MaxMaintenance:
		ps.add("until", CodeWindow, "a window is at most seven days long")
	}
	if !utf8.ValidString(w.Note) || utf8.RuneCountInString(w.Note) > maxNote {
		ps.add("note", CodeWindow, "a note has at most %d characters", maxNote)
	}
	return ps.orNil()
}

// Same says whether two announcements are of the same window. An announcement
// without a beginning, which stands for "now", is the same as any.
func (w Window) Same(o Window) bool {
	return w.HospitalID == o.HospitalID && w.System == o.System && w.Note == o.Note && w.Until.Equal(o.Until) &&
		(w.From.IsZero() || o.From.IsZero() || w.From.Equal(o.From))
}

// Windows are maintenance windows of one hospital.
type Windows []Window

// Closed is the system among those named that is in maintenance at t and
// comes back last, with its time of return; ok is false when none is.
func (ws Windows) Closed(t time.Time, systems ...System) (m Maintenance, ok bool) {
	for _, w := range ws {
		if w.Active(t) && slices.Contains(systems, w.System) && w.Over().After(m.Until) {
			m, ok = Maintenance{System: w.System, Until: w.Over().UTC()}, true
		}
	}
	return m, ok
}

// Maintenance is what is known of a system that cannot be used now.
type Maintenance struct {
	System System `json:"system"`
	// Until is the announced time of return.
	Until time.Time `json:"until"`
	// Alternatives are methods that can be used meanwhile.
	Alternatives []Method `json:"alternatives,omitempty"`
}

// Needs lists the systems that paying by the choice takes. The HIS is not one
// of them: while it is away there are temporary vouchers.
func (c Choice) Needs(total money.Money) []System {
	needs := []System{SystemHospital}
	for _, t := range c.Tenders(total) {
		needs = append(needs, SystemOf(t.Channel))
	}
	return needs
}

// Admit returns a Problem CodeMaintenance, with the time of return and other
// ways to pay, when the choice needs a system that is in maintenance at t.
// offers says which channels the hospital has.
func (ws Windows) Admit(c Choice, total money.Money, t time.Time, offers func(Channel) bool) error {
	m, closed := ws.Closed(t, c.Needs(total)...)
	if !closed {
		return nil
	}
	m.Alternatives = ws.Alternatives(t, offers)
	text := "in maintenance until " + m.Until.Format(time.RFC3339) + ": " + string(m.System)
	if len(m.Alternatives) > 0 {
		words := make([]string, len(m.Alternatives))
		for i, a := range m.Alternatives {
			words[i] = string(a)
		}
		text += "; other ways to pay: " + strings.Join(words, ", ")
	}
	return Problem{Code: CodeMaintenance, Field: "choice.method", Text: text, Maintenance: &m}
}

// Alternatives lists the methods of which every system can be used at t.
func (ws Windows) Alternatives(t time.Time, offers func(Channel) bool) []Method {
	open := func(ch Channel) bool {
		_, closed := ws.Closed(t, SystemOf(ch), SystemHospital)
		return !closed && offers(ch)
	}
	var all []Method
	selfPay := false
	for _, own := range []struct {
		method  Method
		channel Channel
	}{{ByWeChat, WeChat}, {ByUnionPay, UnionPay}} {
		if open(own.channel) {
			all, selfPay = append(all, own.method), true
		}
	}
	if open(Insurance) {
		all = append(all, ByInsurance)
		if selfPay {
			all = append(all, ByMixed)
		}
	}
	return all
}
