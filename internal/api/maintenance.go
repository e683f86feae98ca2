package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// registerMaintenance adds what there is about maintenance windows. Who may
// only start payments can read them; to announce one stops other people's
// payments and is for staff.
func (s *server) registerMaintenance(api huma.API) {
	handle(s, api, route{id: "announce-maintenance", method: http.MethodPost, path: "/v1/maintenance-windows", status: http.StatusCreated, staff: true,
		summary: "Announce maintenance",
		about: "For staff keys: a time in which a channel, the HIS or the whole hospital is not to be used. New payments that need it are answered with 503 `maintenance`, " +
			"running ones wait as `suspended`. Windows may overlap. Repeating a `key` with the same window returns it with 200 and `Idempotent-Replayed: true`; " +
			"with another one it is a 409 `window_conflict`."}, s.announce)
	handle(s, api, route{id: "list-maintenance", method: http.MethodGet, path: "/v1/maintenance-windows",
		summary: "List maintenance", about: "Of the key's hospitals, the latest first."}, s.windows)
	handle(s, api, route{id: "end-maintenance", method: http.MethodPost, path: "/v1/maintenance-windows/{id}/end", staff: true,
		summary: "End maintenance early",
		about:   "For staff keys: the system can be used again, and what waited goes on within about a minute. One that has not begun never will. Ending it again changes nothing."}, s.endMaintenance)
}

type announceInput struct{ Body wire.Announcement }

type announceOutput struct {
	Status   int
	Replayed string `header:"Idempotent-Replayed" doc:"true when the window was there before"`
	Body     wire.Window
}

func (s *server) announce(ctx context.Context, in *announceInput) (*announceOutput, error) {
	if _, known := s.hospitals.Hospital(in.Body.HospitalID); !known || !callerOf(ctx).may(in.Body.HospitalID) {
		return nil, payment.Problem{Code: payment.CodeHospital, Field: "hospital_id", Text: "not a hospital of this installation, or not one of this key"}
	}
	w, existed, err := s.books.AnnounceWindow(ctx, in.Body.Key, in.Body.Domain("api:"+callerOf(ctx).ID), s.now())
	if err != nil {
		return nil, err
	}
	out := &announceOutput{Status: http.StatusCreated, Body: wire.WindowOf(w, s.now())}
	if existed {
		out.Status, out.Replayed = http.StatusOK, "true"
	}
	return out, nil
}

type windowsInput struct {
	Hospital string              `query:"hospital_id" maxLength:"32" pattern:"^[a-z0-9-]*$" doc:"One hospital alone"`
	State    payment.WindowState `query:"state" enum:"upcoming,active,past" doc:"Where they stand now"`
	Limit    int                 `query:"limit" minimum:"1" maximum:"50" default:"50"`
	Cursor   string              `query:"cursor" maxLength:"100" doc:"next of the page before"`
}

type windowsOutput struct{ Body wire.Windows }

func (s *server) windows(ctx context.Context, in *windowsInput) (*windowsOutput, error) {
	out := &windowsOutput{Body: wire.Windows{Items: []wire.Window{}}}
	hospitals := scope(callerOf(ctx), in.Hospital)
	if len(hospitals) == 0 {
		return out, nil
	}
	if strings.ContainsFunc(in.Cursor, notIDRune) {
		return nil, newProblem(CodeCursor)
	}
	now := s.now()
	all, err := s.books.Windows(ctx, store.WindowFilter{Hospitals: hospitals, State: in.State, At: now, Limit: in.Limit + 1, After: in.Cursor})
	if err != nil {
		return nil, err
	}
	if len(all) > in.Limit {
		all = all[:in.Limit]
		out.Body.Next = all[in.Limit-1].ID
	}
	for _, w := range all {
		out.Body.Items = append(out.Body.Items, wire.WindowOf(w, now))
	}
	return out, nil
}

type endInput struct {
	ID string `path:"id" doc:"The window's id" maxLength:"64"`
}

type endOutput struct{ Body wire.Window }

// endMaintenance ends a window of the caller's hospitals. Another hospital's is
// as unknown as one that does not exist.
func (s *server) endMaintenance(ctx context.Context, in *endInput) (*endOutput, error) {
	if !strings.HasPrefix(in.ID, "mw_") || strings.ContainsFunc(in.ID, notIDRune) {
		return nil, newProblem(payment.CodeWindowUnknown)
	}
	w, err := s.books.Window(ctx, in.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && !callerOf(ctx).may(w.HospitalID) {
		return nil, newProblem(payment.CodeWindowUnknown)
	}
	if err != nil {
		return nil, err
	}
	if w, err = s.books.EndWindow(ctx, in.ID, "api:"+callerOf(ctx).ID, s.now()); err != nil {
		return nil, err
	}
	return &endOutput{Body: wire.WindowOf(w, s.now())}, nil
}

// admitted refuses a change to a method that is in maintenance before anything
// is closed for it: the charge that the patient has stays good.
func (s *server) admitted(ctx context.Context, h Hospital, v store.View, c payment.Choice) error {
	now := s.now()
	open, err := s.books.ActiveWindows(ctx, v.HospitalID, now)
	if err != nil {
		return err
	}
	return open.Admit(c, v.Amount, now, h.Offers)
}

// inMaintenance words a refusal for maintenance: what is closed, until when in
// the time of its place, and what can be used meanwhile.
func inMaintenance(l Language, m payment.Maintenance) string {
	until := m.Until.In(hospitalTime()).Format("2006-01-02 15:04 -07:00")
	ways := make([]string, len(m.Alternatives))
	for i, a := range m.Alternatives {
		ways[i] = methodName(l, a)
	}
	if l == English {
		text := systemName(l, m.System) + " is in maintenance and will be back at " + until + "."
		if len(ways) > 0 {
			text += " Other ways to pay: " + strings.Join(ways, ", ") + "."
		}
		return text
	}
	text := systemName(l, m.System) + "维护中，预计 " + until + " 恢复。"
	if len(ways) > 0 {
		text += "可改用：" + strings.Join(ways, "、") + "。"
	}
	return text
}

// hospitalTime is the one time zone of the hospitals.
func hospitalTime() *time.Location { return time.FixedZone("CST", 8*60*60) }

func systemName(l Language, s payment.System) string {
	names := map[payment.System][2]string{
		payment.SystemOf(payment.WeChat):    {"微信支付", "WeChat Pay"},
		payment.SystemOf(payment.UnionPay):  {"银联支付", "UnionPay"},
		payment.SystemOf(payment.Insurance): {"医保支付", "Medical insurance"},
		payment.SystemHIS:                   {"医院信息系统", "The hospital's information system"},
		payment.SystemHospital:              {"医院支付服务", "The hospital's payment service"},
	}
	return names[s][slices.Index([]Language{Chinese, English}, l)]
}

func methodName(l Language, m payment.Method) string {
	names := map[payment.Method][2]string{
		payment.ByWeChat: {"微信支付", "WeChat Pay"}, payment.ByUnionPay: {"银联支付", "UnionPay"},
		payment.ByInsurance: {"医保支付", "medical insurance"}, payment.ByMixed: {"混合支付", "insurance with a self-pay part"},
	}
	return names[m][slices.Index([]Language{Chinese, English}, l)]
}
