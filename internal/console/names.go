package console

import (
	"strings"

	"github.com/regpay/regpay/internal/payment"
)

// actorWorkflow and bySystem are the log's words for what no person did.
const (
	actorWorkflow = "workflow"
	bySystem      = "system"
	apiPrefix     = "api:"
)

// names says how people call an actor of the log: staff by their names, also
// those of an issuer, callers of the API and everybody else by what they are.
type names struct {
	p     *page
	known map[string]string // by subject; empty for one without a name
}

func (p *page) names() *names { return &names{p: p, known: map[string]string{}} }

// learn looks the names of actors up at once, those that are not known yet.
// When the books do not answer the subjects stand for them.
func (n *names) learn(actors ...string) {
	var asked []string
	for _, a := range actors {
		if _, known := n.known[a]; !known && n.own(a) == "" {
			n.known[a] = ""
			asked = append(asked, a)
		}
	}
	if len(asked) == 0 {
		return
	}
	found, err := n.p.server.books.NamesOf(n.p.ctx(), asked)
	if err != nil {
		return
	}
	for subject, name := range found {
		n.known[subject] = name
	}
}

// of is the name of an actor.
func (n *names) of(actor string) string {
	if word := n.own(actor); word != "" {
		return word
	}
	n.learn(actor)
	if name := n.known[actor]; name != "" {
		return name
	}
	return actor
}

// own is the name of who is no staff or is the person who asks; empty for the
// others.
func (n *names) own(actor string) string {
	l := n.p.lang
	switch {
	case actor == "":
		return say(l, "somebody")
	case actor == actorWorkflow || actor == bySystem || payment.ByNobody(actor):
		return say(l, "actor_"+actor)
	case actor == n.p.person.Subject:
		return n.p.person.Name
	case strings.HasPrefix(actor, apiPrefix):
		return say(l, "actor_api", strings.TrimPrefix(actor, apiPrefix))
	}
	return ""
}
