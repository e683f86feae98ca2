package wire

import (
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// Announcement is a maintenance window to come, or one that begins now.
type Announcement struct {
	Key        string         `json:"key" minLength:"1" maxLength:"64" pattern:"^[0-9A-Za-z][0-9A-Za-z._:-]*$" doc:"The announcer's own number of this window: the same key again is the same window" example:"wechat-2027-01-06"`
	HospitalID string         `json:"hospital_id" maxLength:"32"`
	System     payment.System `json:"system" enum:"wechat,unionpay,insurance,his,hospital" doc:"A channel, the HIS, or the whole hospital"`
	From       time.Time      `json:"from,omitzero" doc:"When it begins; now when it is left out"`
	Until      time.Time      `json:"until" doc:"When it ends, at most seven days later"`
	Note       string         `json:"note,omitempty" maxLength:"200" doc:"For people. No personal data"`
}

// Domain is the window as the domain has it, announced by whoever asks.
func (a Announcement) Domain(by string) payment.Window {
	return payment.Window{HospitalID: a.HospitalID, System: a.System, From: a.From, Until: a.Until, Note: a.Note, AnnouncedBy: by}
}

// Window is a maintenance window.
type Window struct {
	ID          string              `json:"id" example:"mw_7q2m3kx9…"`
	HospitalID  string              `json:"hospital_id"`
	System      payment.System      `json:"system"`
	State       payment.WindowState `json:"state" enum:"upcoming,active,past" doc:"Where it stands now"`
	From        time.Time           `json:"from"`
	Until       time.Time           `json:"until" doc:"When it was announced to end"`
	Note        string              `json:"note,omitempty"`
	AnnouncedBy string              `json:"announced_by"`
	AnnouncedAt time.Time           `json:"announced_at"`
	EndedAt     time.Time           `json:"ended_at,omitzero" doc:"When it was ended before its time"`
	EndedBy     string              `json:"ended_by,omitempty"`
}

// WindowOf writes a window as it stands at a time.
func WindowOf(w payment.Window, now time.Time) Window {
	return Window{ID: w.ID, HospitalID: w.HospitalID, System: w.System, State: w.State(now), From: utc(w.From), Until: utc(w.Until),
		Note: w.Note, AnnouncedBy: w.AnnouncedBy, AnnouncedAt: utc(w.AnnouncedAt), EndedAt: utc(w.EndedAt), EndedBy: w.EndedBy}
}

// Windows is a page of maintenance windows, the latest first.
type Windows struct {
	Items []Window `json:"items" nullable:"false"`
	Next  string   `json:"next,omitempty" doc:"Value of cursor for the next page"`
}
