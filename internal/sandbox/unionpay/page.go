package unionpay

import (
	"html/template"
	"net/http"

	"github.com/regpay/regpay/internal/sandbox"
)

// pageData fills the cashier's page: an order to pay, its result, or a refusal.
type pageData struct {
	RespCode string // empty on an order to pay
	Message  string
	Amount   string // yuan
	Token    string
	// Return is the signed form that takes the patient back to frontUrl.
	ReturnURL string
	Return    Form
}

// newPage parses the one page that patients see.
func newPage() *template.Template {
	return template.Must(template.New("cashier").Parse(`<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>银联在线支付（沙箱）</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body data-resp-code="{{.RespCode}}" data-token="{{.Token}}">
<main><h1>银联在线支付（沙箱）</h1>
{{if .Message}}<p role="status">{{.Message}}</p>{{end}}
{{if .Amount}}<p>金额：{{.Amount}} 元</p>{{end}}
{{if .Token}}<form method="post" action="/gateway/cashier">
<input type="hidden" name="token" value="{{.Token}}">
<button name="behaviour" value="pay">确认支付</button>
<button name="behaviour" value="fail">余额不足</button></form>{{end}}
{{if .ReturnURL}}<form method="post" action="{{.ReturnURL}}">
{{range $name, $value := .Return}}<input type="hidden" name="{{$name}}" value="{{$value}}">
{{end}}<button>返回商户</button></form>{{end}}
</main></body></html>
`))
}

// serveFront takes the form that a patient's browser posts and shows the page
// on which it can be paid.
func (s *Server) serveFront(w http.ResponseWriter, r *http.Request) {
	form, refused := readForm(r)
	var t *transaction
	if refused == nil {
		t, refused = s.front(form)
	}
	if refused != nil {
		s.page(w, http.StatusBadRequest, pageData{RespCode: refused.code, Message: refused.text()})
		return
	}
	s.page(w, http.StatusOK, pageData{Amount: yuan(t.amount), Token: t.token})
}

func (s *Server) front(form Form) (*transaction, *refusal) {
	m, refused := s.authenticate(form)
	if refused != nil {
		return nil, refused
	}
	if form["txnType"] != typePay {
		return nil, refuse(codeNotPermitted, "txnType")
	}
	if form["frontUrl"] == "" {
		return nil, refuse(codeMissing, "frontUrl")
	}
	if !isURL(form["frontUrl"]) {
		return nil, refuse(codeBadFormat, "frontUrl")
	}
	t, created, refused := s.openOrder(m, form, s.env.Clock.Now())
	if refused != nil {
		return nil, refused
	}
	if created {
		s.env.Patients.Opened(t.order())
	}
	return t, nil
}

// serveCashier is the page's buttons: a person at the sandbox pays.
func (s *Server) serveCashier(w http.ResponseWriter, r *http.Request) {
	form, refused := readForm(r)
	behaviour := sandbox.Behaviour(form["behaviour"])
	if refused != nil || (behaviour != sandbox.Pay && behaviour != sandbox.Fail) {
		s.page(w, http.StatusBadRequest, pageData{RespCode: codeBadFormat, Message: message(codeBadFormat)})
		return
	}
	err := s.PatientPays(r.Context(), sandbox.Order{Token: form["token"]}, behaviour)
	s.mu.Lock()
	t := s.byToken[form["token"]]
	if t == nil {
		s.mu.Unlock()
		s.page(w, http.StatusNotFound, pageData{RespCode: codeNoSuchOrder, Message: message(codeNoSuchOrder)})
		return
	}
	data := pageData{RespCode: t.outcome, Message: message(t.outcome), Amount: yuan(t.amount)}
	if t.outcome == codeOK && t.request["frontUrl"] != "" {
		data.ReturnURL, data.Return = t.request["frontUrl"], t.result()
		data.Return["respCode"], data.Return["respMsg"] = codeOK, message(codeOK)
		if sign(data.Return, s.chain.signer.key, s.chain.signer.pem) != nil {
			data.ReturnURL, data.Return = "", nil
		}
	}
	s.mu.Unlock()
	status := http.StatusOK
	if err != nil {
		status = http.StatusConflict
	}
	s.page(w, status, data)
}

func (s *Server) page(w http.ResponseWriter, status int, data pageData) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := s.cashier.Execute(w, data); err != nil {
		s.env.Log.Info("the cashier's page was not sent", "err", err)
	}
}
