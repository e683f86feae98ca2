package sandbox

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// MaxRequestBody is the longest request body a counterparty reads, in bytes.
const MaxRequestBody = 1 << 20

// FaultPoint tells the middleware what it cannot know of a protocol.
type FaultPoint struct {
	// Operation names a request: prepay, query, close, refund, query_refund,
	// upload, pay_order, revoke, register, sms, face; "" for anything else,
	// which meets latency and outages only. It may read r.Body, which is
	// buffered and put back.
	Operation func(r *http.Request) string
	// Error answers with the error code in the counterparty's own form,
	// signed if the real one would be.
	Error func(w http.ResponseWriter, r *http.Request, operation, code string)
}

// Middleware injects the faults of requests in front of next. Bodies above
// [MaxRequestBody] are refused with 413; next finds the body buffered.
func (f *Faults) Middleware(point FaultPoint, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequestBody))
		if err != nil {
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				http.Error(w, "request body too large", http.StatusRequestEntityTooLarge)
				return
			}
			http.Error(w, "request body could not be read", http.StatusBadRequest)
			return
		}
		restore := func() { r.Body = io.NopCloser(bytes.NewReader(body)) }
		restore()
		operation := point.Operation(r)
		restore()

		fault := f.drawRequest(operation)
		if f.clock.Sleep(r.Context(), fault.delay) != nil {
			panic(http.ErrAbortHandler) // the caller has gone: nothing was executed
		}
		switch {
		case fault.drop:
			panic(http.ErrAbortHandler)
		case fault.status503:
			http.Error(w, "503 Service Temporarily Unavailable", http.StatusServiceUnavailable)
		case fault.errorCode != "":
			point.Error(w, r, operation, fault.errorCode)
		case fault.loseReply:
			next.ServeHTTP(newRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// recorder takes a reply that nobody will see.
type recorder struct{ header http.Header }

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(int) {}

func (r *recorder) Write(p []byte) (int, error) { return len(p), nil }
