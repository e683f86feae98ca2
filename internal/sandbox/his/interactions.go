package his

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// serveType answers [base]/{type}: create and search.
func (s *Server) serveType(w http.ResponseWriter, r *http.Request, hospital string) error {
	switch r.Method {
	case http.MethodPost:
		return s.create(w, r, hospital)
	case http.MethodGet, http.MethodHead:
		return s.search(w, r, hospital)
	default:
		return methodNotAllowed(w, "GET, HEAD, POST")
	}
}

// serveInstance answers [base]/{type}/{id}: read, update and patch.
func (s *Server) serveInstance(w http.ResponseWriter, r *http.Request, hospital string) error {
	at, id := place{hospital, r.PathValue("type")}, r.PathValue("id")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		got, ok := s.store.read(at, id)
		if !ok {
			return notFound(at.kind)
		}
		answer(w, r, http.StatusOK, got)
		return nil
	case http.MethodPut, http.MethodPatch:
		return s.update(w, r, at, id)
	default:
		return methodNotAllowed(w, "GET, HEAD, PATCH, PUT")
	}
}

func (s *Server) create(w http.ResponseWriter, r *http.Request, hospital string) error {
	body, err := readBody(r, fhirMediaType, "application/json")
	if err != nil {
		return err
	}
	unless, err := parseIfNoneExist(r.Header)
	if err != nil {
		return err
	}
	var got stored
	var created bool
	if r.PathValue("type") == typeAppointment {
		appointment, parseErr := parseAppointment(body)
		if parseErr != nil {
			return parseErr
		}
		got, created, err = s.store.createAppointment(hospital, unless, appointment, func() bool {
			return s.faults.Hit("slot_gone", s.faults.Spec().HIS.SlotGoneRate)
		})
	} else {
		notice, parseErr := parsePaymentNotice(body)
		if parseErr != nil {
			return parseErr
		}
		got, created, err = s.store.createNotice(hospital, unless, notice)
	}
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	w.Header().Set("Location", fmt.Sprintf("%s/%s/%s/_history/%d", base(r), got.kind, got.id, got.version))
	answer(w, r, status, got)
	return nil
}

func (s *Server) update(w http.ResponseWriter, r *http.Request, at place, id string) error {
	ifMatch, err := parseIfMatch(r.Header.Get("If-Match"))
	if err != nil {
		return err
	}
	var edit func(current []byte) ([]byte, error)
	if r.Method == http.MethodPatch {
		body, err := readBody(r, patchMediaType)
		if err != nil {
			return err
		}
		if edit, err = patcher(body); err != nil {
			return err
		}
	} else {
		body, err := readBody(r, fhirMediaType, "application/json")
		if err != nil {
			return err
		}
		edit = func([]byte) ([]byte, error) { return body, nil }
	}
	got, err := s.store.change(at, id, ifMatch, edit)
	if err != nil {
		return err
	}
	answer(w, r, http.StatusOK, got)
	return nil
}

func (s *Server) search(w http.ResponseWriter, r *http.Request, hospital string) error {
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	found := s.store.search(place{hospital, r.PathValue("type")}, query)
	total, mode := len(found), fhir.SearchEntryModeMatch
	bundle := fhir.Bundle{
		Type: fhir.BundleTypeSearchset, Total: &total,
		Link: []fhir.BundleLink{{Relation: "self", Url: base(r) + strings.TrimPrefix(r.URL.RequestURI(), pathPrefix)}},
	}
	for _, one := range found {
		url := fmt.Sprintf("%s/%s/%s", base(r), one.kind, one.id)
		bundle.Entry = append(bundle.Entry, fhir.BundleEntry{
			FullUrl: &url, Resource: one.body, Search: &fhir.BundleEntrySearch{Mode: &mode},
		})
	}
	writeResource(w, http.StatusOK, bundle)
	return nil
}

// answer sends a stored resource with its version, or headers alone when the sender
// prefers the minimum (https://hl7.org/fhir/R4/http.html#ops).
func answer(w http.ResponseWriter, r *http.Request, status int, got stored) {
	w.Header().Set("ETag", fmt.Sprintf(`W/"%d"`, got.version))
	w.Header().Set("Last-Modified", got.updated.Format(http.TimeFormat))
	changes := r.Method != http.MethodGet && r.Method != http.MethodHead
	if changes && strings.Contains(r.Header.Get("Prefer"), "return=minimal") {
		w.WriteHeader(status)
		return
	}
	writeBody(w, status, got.body)
}

func base(r *http.Request) string { return "http://" + r.Host + pathPrefix }

// readBody reads a body of one of the given media types; the faults' middleware has
// bounded it.
func readBody(r *http.Request, mediaTypes ...string) ([]byte, error) {
	got, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	fits := err == nil && (charset == "" || strings.EqualFold(charset, "utf-8"))
	for _, mediaType := range mediaTypes {
		if fits && got == mediaType {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, fmt.Errorf("read the body: %w", err)
			}
			return body, nil
		}
	}
	return nil, refuse(http.StatusUnsupportedMediaType, fhir.IssueTypeNotSupported, "the Content-Type must be "+mediaTypes[0])
}

// acceptable reports whether the sender takes an answer in FHIR JSON.
func acceptable(header http.Header) bool {
	accept := strings.Join(header.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return true
	}
	for _, one := range strings.Split(accept, ",") {
		mediaType, _, _ := strings.Cut(one, ";")
		switch strings.ToLower(strings.TrimSpace(mediaType)) {
		case fhirMediaType, "application/json", "application/*", "*/*":
			return true
		}
	}
	return false
}

// parseIfMatch returns the version in If-Match: W/"3"; empty when there is no header.
func parseIfMatch(header string) (string, error) {
	if header == "" {
		return "", nil
	}
	version, err := strconv.Unquote(strings.TrimPrefix(strings.TrimSpace(header), "W/"))
	if err != nil || version == "" {
		return "", refuse(http.StatusBadRequest, fhir.IssueTypeInvalid, `If-Match must be W/"version"`)
	}
	return version, nil
}

func methodNotAllowed(w http.ResponseWriter, allowed string) error {
	w.Header().Set("Allow", allowed)
	return refuse(http.StatusMethodNotAllowed, fhir.IssueTypeNotSupported, "this HIS does not support that interaction")
}
