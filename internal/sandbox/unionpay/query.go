package unionpay

import "net/http"

// serveQuery answers what became of a transaction. respCode is about the query
// itself, origRespCode about the transaction.
func (s *Server) serveQuery(w http.ResponseWriter, r *http.Request) {
	form, refused := readForm(r)
	var fields Form
	if refused == nil {
		fields, refused = s.query(form)
	}
	if refused != nil {
		fields = Form{"respCode": refused.code, "respMsg": refused.text()}
	}
	s.reply(w, form, fields)
}

// byNumber says whether a query asks by queryId.
func byNumber(form Form) bool { return form["txnSubType"] == "02" }

func (s *Server) query(form Form) (Form, *refusal) {
	if _, refused := s.authenticate(form); refused != nil {
		return nil, refused
	}
	if form["txnType"] != typeQuery || !byNumber(form) && form["txnSubType"] != "00" {
		return nil, refuse(codeNotPermitted, "txnType")
	}
	if form["bizType"] != bizAny && form["bizType"] != bizGateway {
		return nil, refuse(codeNotPermitted, "bizType")
	}
	names := []string{"orderId", "txnTime"}
	if byNumber(form) {
		names = []string{"queryId"}
	}
	for _, name := range names {
		if form[name] == "" {
			return nil, refuse(codeMissing, name)
		}
	}
	if refused := checkOrder(form); !byNumber(form) && refused != nil {
		return nil, refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.find(form)
	if t == nil {
		return nil, refuse(codeNoSuchOrder, "")
	}
	s.expire(t, s.env.Clock.Now())
	out := t.result()
	out["respCode"], out["respMsg"] = codeOK, message(codeOK)
	out["origRespCode"], out["origRespMsg"] = t.outcome, message(t.outcome)
	return out, nil
}
