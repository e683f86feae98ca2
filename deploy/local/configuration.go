package local

import (
	"errors"

	"github.com/regpay/regpay/deploy/onboarding"
	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/config"
)

// Sizes of what is generated, in bytes.
const (
	encryptionKeySize = 16 // SM4
	tokenSize         = 32
)

// configuration turns what the counterparties handed out, and where everything
// listens, into regpay's configuration. Secrets that are regpay's own are
// generated; the counterparties' stay in the files that they were handed out in.
func configuration(o Options, m stack.Manifest, e stack.Endpoints, s secrets) (config.Config, error) {
	c := config.Config{
		Temporal: config.Temporal{Address: e.Temporal, Namespace: e.Namespace},
		HTTP:     config.HTTP{Listen: e.APIAddress(), PublicURL: e.API, UIOrigin: e.UI},
		// Links to the UI, where there is one, follow from its origin.
		Console: config.Console{Enabled: true, Local: true},
	}
	var errs []error
	keep := func(path string, err error) string {
		errs = append(errs, err)
		return path
	}
	c.Database.DSNFile = keep(s.write("dsn", e.DatabaseURL))
	c.HTTP.CodecTokenFile = keep(s.key("codec_token", tokenSize))
	c.Encryption = config.Encryption{
		Active:       "local-1",
		Keys:         []config.EncryptionKey{{ID: "local-1", File: keep(s.key("encryption_key", encryptionKeySize))}},
		IndexKeyFile: keep(s.key("index_key", encryptionKeySize)),
	}
	for _, h := range onboarding.Hospitals(m, onboarding.Terms{FilesIn: m.Dir, FeeRates: o.FeeRates}) {
		h.Risk = o.Risk
		h.CallbackSecretFile = keep(s.key(callbackSecret(h.ID), tokenSize))
		c.Hospitals = append(c.Hospitals, h)
	}
	if o.Configure != nil {
		o.Configure(&c)
	}
	return c, errors.Join(errs...)
}

func callbackSecret(hospital string) string { return "callback_secret." + hospital }
