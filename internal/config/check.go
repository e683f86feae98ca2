package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// checks collects what is wrong, so that one start of a process shows all of
// it.
type checks struct{ errs []error }

func (c *checks) need(ok bool, format string, args ...any) {
	if !ok {
		c.errs = append(c.errs, fmt.Errorf(format, args...))
	}
}

// check finds what can be wrong with a configuration as such. What a channel
// or a HIS asks of its own settings is checked by its client when it is made.
func (c *Config) check() error {
	var is checks
	is.need(c.Database.DSN != "" || c.Database.DSNFile != "", "database.dsn or database.dsn_file is missing")
	is.need(c.Database.MaxConns > 0, "database.max_conns is negative")
	is.need((c.Temporal.CertFile == "") == (c.Temporal.KeyFile == ""), "temporal.cert_file and temporal.key_file belong together")
	is.need(isAddress(c.HTTP.PublicURL) && !strings.HasSuffix(c.HTTP.PublicURL, "/"),
		"http.public_url is missing, is no http(s) address, or ends in a slash")
	is.need(c.HTTP.UIOrigin == "" || isOrigin(c.HTTP.UIOrigin), "http.ui_origin is no origin: scheme and host, as in https://ui.example.org")
	is.encryption(c.Encryption)
	is.workers(c.Workers)
	is.console(c.Console, c.HTTP.PublicURL)
	is.need(len(c.Hospitals) > 0, "hospitals: none is configured")
	seen := map[string]string{}
	for _, h := range c.Hospitals {
		is.hospital(h)
		is.need(seen["hospital "+h.ID] == "", "hospitals: two have the id %s", h.ID)
		seen["hospital "+h.ID] = h.ID
		for _, account := range h.accounts() {
			other, taken := seen[account]
			// Order numbers are unique within a hospital alone; two hospitals on
			// one merchant number could charge under the same number.
			is.need(!taken, "hospital %s: %s is used by hospital %s already", h.ID, account, other)
			seen[account] = h.ID
		}
	}
	return errors.Join(is.errs...)
}

func (c *checks) encryption(e Encryption) {
	c.need(e.IndexKeyFile != "", "encryption.index_key_file is missing")
	c.need(e.Active != "", "encryption.active is missing")
	c.need(len(e.Keys) > 0, "encryption.keys is missing")
	files := map[string]string{}
	for _, k := range e.Keys {
		c.need(k.ID != "" && k.File != "", "encryption.keys: each key has an id and a file")
		// Only one of them would be there to open what either has sealed.
		_, twice := files[k.ID]
		c.need(!twice, "encryption.keys: two keys have the id %q", k.ID)
		files[k.ID] = k.File
	}
	_, there := files[e.Active]
	c.need(there || e.Active == "" || len(e.Keys) == 0, "encryption.active: %q is not one of encryption.keys", e.Active)
}

func (c *checks) hospital(h Hospital) {
	c.need(payment.IsHospitalID(h.ID), "hospitals: the id %q is not 2 to 32 lower-case letters, digits and hyphens", h.ID)
	c.need(h.HIS.Kind == "fhir", "hospital %s: his.kind has to be fhir", h.ID)
	c.need(h.CallbackSecretFile != "", "hospital %s: callback_secret_file is missing", h.ID)
	waits := map[string]time.Duration{"his.timeout": h.HIS.Timeout, "sms.timeout": h.SMS.Timeout, "face.timeout": h.Face.Timeout,
		"risk.window": h.Risk.Window, "risk.no_show_window": h.Risk.NoShowWindow}
	if w := h.Channels.WeChat; w != nil {
		waits["channels.wechat.timeout"] = w.Timeout
	}
	if u := h.Channels.UnionPay; u != nil {
		waits["channels.unionpay.timeout"], waits["channels.unionpay.close_margin"] = u.Timeout, u.CloseMargin
	}
	if i := h.Channels.Insurance; i != nil {
		waits["channels.insurance.timeout"], waits["channels.insurance.freshness"] = i.Timeout, i.Freshness
	}
	for key, wait := range waits {
		c.need(wait >= 0, "hospital %s: %s is negative", h.ID, key)
	}
	c.risk(h.ID, h.Risk)
	c.guards(h)
	c.need(h.Review.SecondPersonAboveFen >= 0, "hospital %s: review.second_person_above_fen is negative", h.ID)
}

// risk finds rules that would never speak.
func (c *checks) risk(hospital string, r Risk) {
	for key, n := range map[string]int64{"review_after": int64(r.ReviewAfter), "refuse_after": int64(r.RefuseAfter),
		"review_amount_fen": r.ReviewAmountFen, "review_no_shows": int64(r.ReviewNoShows), "refuse_no_shows": int64(r.RefuseNoShows)} {
		c.need(n >= 0, "hospital %s: risk.%s is negative", hospital, key)
	}
	c.need(r.Window != 0 || r.ReviewAfter <= 0 && r.RefuseAfter <= 0,
		"hospital %s: risk.window is missing: risk.review_after and risk.refuse_after count within it", hospital)
	c.need(r.NoShowWindow != 0 || r.ReviewNoShows <= 0 && r.RefuseNoShows <= 0,
		"hospital %s: risk.no_show_window is missing: risk.review_no_shows and risk.refuse_no_shows count within it", hospital)
}

// accounts are what no second hospital may have. What is empty is found by
// those who need it.
func (h Hospital) accounts() []string {
	var all []string
	add := func(what, id string) {
		if id != "" {
			all = append(all, what+" "+id)
		}
	}
	if h.Channels.WeChat != nil {
		add("channels.wechat.mchid", h.Channels.WeChat.MchID)
	}
	if h.Channels.UnionPay != nil {
		add("channels.unionpay.mer_id", h.Channels.UnionPay.MerID)
	}
	if h.Channels.Insurance != nil {
		add("channels.insurance.org_code", h.Channels.Insurance.OrgCode)
	}
	return all
}

func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// isOrigin holds what a browser sends as one: without even a slash at its end.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && isAddress(s) && u.Path == ""
}
