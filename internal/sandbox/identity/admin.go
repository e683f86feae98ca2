package identity

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// receivedText is a text as the patient reads it; the number stays out of it.
type receivedText struct {
	MessageID string            `json:"message_id"`
	Template  string            `json:"template"`
	Code      string            `json:"code"`
	Params    map[string]string `json:"params"`
	SentAt    time.Time         `json:"sent_at"` // UTC
}

// AdminRoutes adds what patients do: GET /identity/sms/{account}/{ref} reads the text that was
// sent under a ref, and PUT /identity/face/{verify_id} with
// {"result":"success|mismatch|cancelled|network|pending"} does the face check or leaves it undone.
func (s *Server) AdminRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /identity/sms/{account}/{ref...}", func(w http.ResponseWriter, r *http.Request) {
		text, ok := s.gateway.text(r.PathValue("account"), r.PathValue("ref"))
		if !ok {
			sandbox.WriteProblem(w, http.StatusNotFound, fmt.Errorf("no text was sent under that ref"))
			return
		}
		sandbox.WriteJSON(w, http.StatusOK, receivedText{text.MessageID, text.Template, text.params["code"], text.params, text.SentAt})
	})
	mux.HandleFunc("PUT /identity/face/{verify_id}", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Result string `json:"result"`
		}
		err := sandbox.ReadJSON(r, &in)
		if err == nil {
			err = s.faces.setResult(r.PathValue("verify_id"), in.Result)
		}
		switch {
		case err == nil:
			sandbox.WriteJSON(w, http.StatusOK, map[string]string{"verify_id": r.PathValue("verify_id"), "result": in.Result})
		case errors.Is(err, errUnknownCheck):
			sandbox.WriteProblem(w, http.StatusNotFound, err)
		case errors.Is(err, errTooLate):
			sandbox.WriteProblem(w, http.StatusConflict, err)
		default:
			sandbox.WriteProblem(w, http.StatusBadRequest, err)
		}
	})
}
