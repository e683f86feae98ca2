package console

import (
	"github.com/regpay/regpay/internal/store"
)

// findData is the page on which payments are looked for.
type findData struct {
	Text string
	Rows []store.View
}

// find looks a payment up by any number that staff may be told. One that is
// alone is opened at once.
func (s *server) find(p *page) error {
	d := findData{Text: cut(p.query("q"), 64)}
	if d.Text == "" {
		return p.render("find.html", d)
	}
	var err error
	if d.Rows, err = s.books.FindPayments(p.ctx(), p.hospitals(), d.Text); err != nil {
		return err
	}
	if len(d.Rows) == 1 {
		return p.redirect("/payments/" + d.Rows[0].ID)
	}
	return p.render("find.html", d)
}
