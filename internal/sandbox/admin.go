package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxAdminBody is the longest admin request, in bytes.
const maxAdminBody = 64 << 10

// Admin serves the interface through which an outsider reads the books, sets
// faults and instructs patients. It has no authentication and belongs on
// loopback alone.
func Admin(patients *Patients, counterparties ...Counterparty) http.Handler {
	a := &admin{patients: patients, byName: map[string]Counterparty{}}
	mux := http.NewServeMux()
	for _, c := range counterparties {
		a.byName[c.Name()] = c
		if router, ok := c.(AdminRouter); ok {
			router.AdminRoutes(mux)
		}
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /books", a.allBooks)
	mux.HandleFunc("GET /books/{counterparty}", a.books)
	mux.HandleFunc("GET /faults", a.allFaults)
	mux.HandleFunc("GET /faults/{counterparty}", a.faults)
	mux.HandleFunc("PUT /faults/{counterparty}", a.setFaults)
	mux.HandleFunc("DELETE /faults/{counterparty}", a.heal)
	mux.HandleFunc("POST /patients/pay", a.pay)
	mux.HandleFunc("GET /patients/default", func(w http.ResponseWriter, _ *http.Request) {
		WriteJSON(w, http.StatusOK, patients.Defaults())
	})
	mux.HandleFunc("PUT /patients/default", a.setDefault)
	return mux
}

type admin struct {
	patients *Patients
	byName   map[string]Counterparty
}

func (a *admin) allBooks(w http.ResponseWriter, _ *http.Request) {
	books := map[string]any{}
	for name, c := range a.byName {
		books[name] = c.Books()
	}
	WriteJSON(w, http.StatusOK, books)
}

func (a *admin) books(w http.ResponseWriter, r *http.Request) {
	if c, ok := a.find(w, r); ok {
		WriteJSON(w, http.StatusOK, c.Books())
	}
}

func (a *admin) allFaults(w http.ResponseWriter, _ *http.Request) {
	all := map[string]FaultStatus{}
	for name, c := range a.byName {
		all[name] = c.Faults().Status()
	}
	WriteJSON(w, http.StatusOK, all)
}

func (a *admin) faults(w http.ResponseWriter, r *http.Request) {
	if c, ok := a.find(w, r); ok {
		WriteJSON(w, http.StatusOK, c.Faults().Status())
	}
}

func (a *admin) setFaults(w http.ResponseWriter, r *http.Request) {
	c, ok := a.find(w, r)
	if !ok {
		return
	}
	spec, err := ParseFaultSpec(r.Body)
	if err == nil {
		err = c.Faults().Set(spec)
	}
	if err != nil {
		WriteProblem(w, http.StatusBadRequest, err)
		return
	}
	WriteJSON(w, http.StatusOK, c.Faults().Status())
}

func (a *admin) heal(w http.ResponseWriter, r *http.Request) {
	if c, ok := a.find(w, r); ok {
		c.Faults().Heal()
		WriteJSON(w, http.StatusOK, c.Faults().Status())
	}
}

func (a *admin) pay(w http.ResponseWriter, r *http.Request) {
	var in Instruction
	if err := ReadJSON(r, &in); err != nil {
		WriteProblem(w, http.StatusBadRequest, err)
		return
	}
	answer(w, a.patients.Instruct(in), http.StatusAccepted)
}

func (a *admin) setDefault(w http.ResponseWriter, r *http.Request) {
	var d Default
	if err := ReadJSON(r, &d); err != nil {
		WriteProblem(w, http.StatusBadRequest, err)
		return
	}
	answer(w, a.patients.SetDefault(d), http.StatusOK)
}

func (a *admin) find(w http.ResponseWriter, r *http.Request) (Counterparty, bool) {
	name := r.PathValue("counterparty")
	c, ok := a.byName[name]
	if !ok {
		WriteProblem(w, http.StatusNotFound, fmt.Errorf("no counterparty is called %q", name))
	}
	return c, ok
}

func answer(w http.ResponseWriter, err error, ok int) {
	switch {
	case err == nil:
		WriteJSON(w, ok, map[string]string{"status": "ok"})
	case errors.Is(err, ErrAmbiguous):
		WriteProblem(w, http.StatusConflict, err)
	case errors.Is(err, ErrUnknownChannel):
		WriteProblem(w, http.StatusNotFound, err)
	default:
		WriteProblem(w, http.StatusBadRequest, err)
	}
}

// ReadJSON reads an admin request's body; unknown fields are refused.
func ReadJSON(r *http.Request, into any) error {
	decoder := json.NewDecoder(io.LimitReader(r.Body, maxAdminBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	return nil
}

// WriteJSON answers an admin request.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value) //nolint:errcheck // the caller may have gone
}

// WriteProblem answers an admin request that could not be carried out.
func WriteProblem(w http.ResponseWriter, status int, err error) {
	WriteJSON(w, status, map[string]string{"error": err.Error()})
}
