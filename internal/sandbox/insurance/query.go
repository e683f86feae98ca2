package insurance

import (
	"strings"
	"time"
)

// query is 6301: what became of an order.
func (s *Server) query(app *application, data map[string]any, _ time.Time) (map[string]any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, refused := s.identify(app, data)
	if refused != nil {
		return nil, refused
	}
	out := o.state()
	out["callType"] = "01"
	return out, nil
}

// revoke is 6401: it takes back an upload that has not been cleared.
func (s *Server) revoke(app *application, data map[string]any, _ time.Time) (map[string]any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, refused := s.identify(app, data)
	if refused != nil {
		return nil, refused
	}
	switch o.stas {
	case stasUploaded, stasPreSettled, stasFailed:
		if _, err := s.book.Close(o.key); err != nil {
			s.env.Log.Error("closing an order in the book", "order", o.key, "err", err)
			return nil, refuse(codeBusy, "系统异常")
		}
		o.stas = stasRevoked
	case stasRevoked:
	default:
		return nil, refuse(codeState, "订单状态不允许撤销")
	}
	out := o.state()
	out["success"], out["message"] = true, "撤销成功"
	return out, nil
}

// identify finds an order by its credentials and the patient's data; s.mu is
// held.
func (s *Server) identify(app *application, data map[string]any) (*order, *refusal) {
	for _, name := range []string{"payOrdId", "payToken", "orgCodg", "idNo", "userName", "idType"} {
		if text(data, name) == "" {
			return nil, refuse(codeField, "缺少字段："+name)
		}
	}
	o, refused := s.findOrder(app, data)
	if refused != nil {
		return nil, refused
	}
	if !strings.EqualFold(o.idNo, text(data, "idNo")) || o.userName != text(data, "userName") || o.idType != text(data, "idType") {
		return nil, refuse(codePerson, "人员信息与订单不符")
	}
	return o, nil
}
