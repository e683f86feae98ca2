package api

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/regpay/regpay/internal/api/wire"
)

// route is what differs between operations; handle adds what they share.
type route struct {
	id, method, path string
	summary, about   string
	status           int
	staff            bool
}

// register adds every operation that is described and needs an API key.
func (s *server) register(api huma.API) {
	handle(s, api, route{id: "start-payment", method: http.MethodPost, path: "/v1/payments", status: http.StatusCreated,
		summary: "Start a payment",
		about: "Opens the payment of a registration and returns what the patient needs in order to pay. " +
			"Repeating it is safe: the same body returns the same payment with 200 and `Idempotent-Replayed: true`; " +
			"the same order with another body is a 409 `order_conflict`. A `rejected` status is the answer of the risk rules. " +
			"What is in maintenance gives a 503 `maintenance` with `Retry-After`, the time of return in `until`, and other methods in `alternatives`; nothing is opened then, and the order can be started again."}, s.start)
	handle(s, api, route{id: "list-payments", method: http.MethodGet, path: "/v1/payments",
		summary: "Find payments", about: "Newest first, of the key's hospitals."}, s.list)
	handle(s, api, route{id: "get-payment", method: http.MethodGet, path: "/v1/payments/{id}",
		summary: "Read a payment", about: "With `refresh=true` the channel is asked, at most every three seconds, " +
			"when the patient says to have paid and no notification came yet."}, s.get)
	handle(s, api, route{id: "verify-patient", method: http.MethodPost, path: "/v1/payments/{id}/verification",
		summary: "Start or answer a verification",
		about:   "Without `challenge_id` it sends an SMS code or starts a face check; with it, it answers. An answer that passes returns what the patient needs in order to pay."}, s.verify)
	handle(s, api, route{id: "change-method", method: http.MethodPost, path: "/v1/payments/{id}/method",
		summary: "Change the way to pay", about: "What was asked of the earlier channel is closed first. If the patient paid there meanwhile, the payment goes on with that money. " +
			"A method in maintenance is refused with 503 `maintenance`, as at the start, and nothing is closed for it."}, s.changeMethod)
	handle(s, api, route{id: "cancel-payment", method: http.MethodPost, path: "/v1/payments/{id}/cancel",
		summary: "Cancel a payment", about: "Nothing can be paid afterwards, and what was captured goes back."}, s.cancel)
	handle(s, api, route{id: "refund-payment", method: http.MethodPost, path: "/v1/payments/{id}/refunds", status: http.StatusAccepted,
		summary: "Return captured money",
		about: "Of a registered or completed payment; before that, any refund is a 409 `not_in_this_state`, and `cancel` returns what was captured. The amount is taken from the tenders newest first and may be split over them; the insurance's part goes back whole. " +
			"All parts are set aside before the first one leaves, or none. Repeating a `key` with the same amount returns the same refund. " +
			"`expected_by` says by when the money should be back; a refund that is not back a day later becomes a case for staff."}, s.refund)
	handle(s, api, route{id: "list-refunds", method: http.MethodGet, path: "/v1/payments/{id}/refunds",
		summary: "Read a payment's refunds", about: "Oldest first, each with every step that it took, for the patient's app and for staff."}, s.refunds)
	handle(s, api, route{id: "get-timeline", method: http.MethodGet, path: "/v1/payments/{id}/timeline",
		summary: "Read a payment's timeline", about: "Every change of state, money or decision, from the audit log, oldest first."}, s.timeline)
	handle(s, api, route{id: "decide-review", method: http.MethodPost, path: "/v1/payments/{id}/review", status: http.StatusAccepted, staff: true,
		summary: "Decide an open case", about: "For staff keys. The case says which decisions can be made."}, s.decide)
	handle(s, api, route{id: "list-reviews", method: http.MethodGet, path: "/v1/reviews", staff: true,
		summary: "List open cases", about: "For staff keys: of the key's hospitals, the oldest first."}, s.reviews)
	s.registerVoucher(api)
	s.registerMaintenance(api)
}

// handle registers one operation with what all of them share.
func handle[I, O any](s *server, api huma.API, rt route, h func(context.Context, *I) (*O, error)) {
	huma.Register(api, s.operation(api, rt), func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, s.refuse(ctx, err)
		}
		return out, nil
	})
}

func (s *server) operation(api huma.API, rt route) huma.Operation {
	op := huma.Operation{
		OperationID: rt.id, Method: rt.method, Path: rt.path, Summary: rt.summary, Description: rt.about,
		DefaultStatus: rt.status,
		MaxBodyBytes:  MaxBody + 1, BodyReadTimeout: bodyTimeout,
		Security:    []map[string][]string{{"apiKey": {}}},
		Middlewares: huma.Middlewares{s.authenticate},
		Responses:   map[string]*huma.Response{"default": problemResponse(api.OpenAPI().Components.Schemas)},
	}
	if rt.staff {
		op.Middlewares = append(op.Middlewares, s.staffOnly)
	}
	return op
}

func problemResponse(schemas huma.Registry) *huma.Response {
	return &huma.Response{
		Description: "Problem details, in the caller's language",
		Content: map[string]*huma.MediaType{
			"application/problem+json": {Schema: schemas.Schema(reflect.TypeFor[wire.Problem](), true, "Problem")},
		},
	}
}

// describeErrors takes huma's own error model out of the description: no
// answer has that form here.
func (s *server) describeErrors(spec *huma.OpenAPI) {
	delete(spec.Components.Schemas.Map(), "ErrorModel")
	delete(spec.Components.Schemas.Map(), "ErrorDetail")
}
