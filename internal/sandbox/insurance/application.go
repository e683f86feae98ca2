package insurance

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"github.com/emmansun/gmsm/sm2"

	"github.com/regpay/regpay/internal/sandbox"
)

// application is one registered caller (a hospital's integration): its secret
// and the keys of both directions.
type application struct {
	hospital  string
	appID     string
	appSecret string
	orgCode   string
	// callerKey verifies what the hospital sends.
	callerKey *ecdsa.PublicKey
	// platformKey signs replies and notices to this application.
	platformKey *sm2.PrivateKey
}

// Onboarding is a hospital's part of the onboarding manifest; paths are
// relative to the sandbox's directory.
type Onboarding struct {
	AppID             string `json:"app_id"`
	AppSecret         string `json:"app_secret"`
	OrgCode           string `json:"org_code"`
	PrivateKey        string `json:"private_key"`
	PlatformPublicKey string `json:"platform_public_key"`
}

// Onboard registers a hospital: an application with its secret, an institution
// code, and an SM2 key for each side.
func (s *Server) Onboard(_ context.Context, h sandbox.Hospital) (any, error) {
	home := h.ID + "/" + Name + "/"
	files := s.env.Files
	var kept struct {
		AppID   string `json:"app_id"`
		OrgCode string `json:"org_code"`
	}
	err := files.JSON(home+"application.json", &kept, func() error {
		raw := make([]byte, 16)
		if _, err := rand.Read(raw); err != nil {
			return err
		}
		n, err := rand.Int(rand.Reader, big.NewInt(100_000))
		kept.AppID, kept.OrgCode = strings.ToUpper(hex.EncodeToString(raw)), fmt.Sprintf("H110100%05d", n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("onboarding at the insurance: %w", err)
	}
	out := Onboarding{AppID: kept.AppID, OrgCode: kept.OrgCode, AppSecret: home + "app_secret.txt",
		PrivateKey: home + "sm2_private.hex", PlatformPublicKey: home + "platform_sm2_public.hex"}
	app := &application{hospital: h.ID, appID: kept.AppID, orgCode: kept.OrgCode}
	if app.appSecret, err = files.Secret(out.AppSecret, 16); err != nil {
		return nil, fmt.Errorf("onboarding at the insurance: %w", err)
	}
	caller, err := openKey(files, out.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("onboarding at the insurance: %w", err)
	}
	app.callerKey = &caller.PublicKey
	if app.platformKey, err = openKey(files, home+"platform_sm2_private.hex"); err != nil {
		return nil, fmt.Errorf("onboarding at the insurance: %w", err)
	}
	point, err := sm2.PublicKeyToECDH(&app.platformKey.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("onboarding at the insurance: %w", err)
	}
	if err := files.Write(out.PlatformPublicKey, []byte(hex.EncodeToString(point.Bytes()))); err != nil {
		return nil, fmt.Errorf("onboarding at the insurance: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.applications {
		if other.hospital != h.ID && (other.orgCode == app.orgCode || other.appID == app.appID) {
			return nil, fmt.Errorf("onboarding at the insurance: the numbers of %s are those of %s", h.ID, other.hospital)
		}
	}
	s.applications[app.appID] = app
	return out, nil
}

// openKey reads an SM2 private key, its D as hex, or makes one.
func openKey(files *sandbox.Files, rel string) (*sm2.PrivateKey, error) {
	content, err := files.LoadOrCreate(rel, func() ([]byte, error) {
		key, err := sm2.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		return []byte(hex.EncodeToString(key.D.FillBytes(make([]byte, 32)))), nil
	})
	if err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(content)))
	if err != nil {
		return nil, fmt.Errorf("reading %s: not hex", rel)
	}
	key, err := sm2.NewPrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", rel, err)
	}
	return key, nil
}
