package stack

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Endpoints are the places where the parts of a stack listen. Those of parts
// that were not asked for are empty; the API's address is chosen before
// regpay's processes are configured, and is theirs to listen on.
type Endpoints struct {
	// Dir is the run's folder; regpay's configuration goes into it.
	Dir string `json:"dir"`
	// Bin holds regpay's own binaries: workers, starter, sandbox.
	Bin string `json:"bin,omitempty"`
	// AdminDatabaseURL may create databases; see [Stack.Database].
	AdminDatabaseURL string `json:"admin_database_url,omitempty"`
	// DatabaseURL is the fresh database made for regpay's own processes.
	DatabaseURL string `json:"database_url,omitempty"`
	// Temporal is the frontend's gRPC address, host:port.
	Temporal  string `json:"temporal,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// UI, API, Codec and SandboxAdmin are base URLs without a final slash.
	UI           string `json:"ui,omitempty"`
	API          string `json:"api,omitempty"`
	Codec        string `json:"codec,omitempty"`
	SandboxAdmin string `json:"sandbox_admin,omitempty"`
	// Workers are addresses, host:port, one for each worker process to serve
	// its health and metrics on.
	Workers []string `json:"workers,omitempty"`
}

// APIAddress is where `starter serve` is to listen, host:port.
func (e Endpoints) APIAddress() string {
	const scheme = "http://"
	if len(e.API) < len(scheme) {
		return ""
	}
	return e.API[len(scheme):]
}

// Binary is the path of one of regpay's own programs.
func (e Endpoints) Binary(name string) string { return filepath.Join(e.Bin, name) }

// Manifest is what the sandbox's counterparties handed out at onboarding, as
// the sandbox writes it to onboarding.json. Dir is the folder to which the
// files named in it are relative.
type Manifest struct {
	Dir       string                      `json:"-"`
	Endpoints map[string]string           `json:"endpoints"`
	Hospitals map[string]HospitalManifest `json:"hospitals"`
}

// HospitalManifest is one hospital's share of the onboarding. Names of files
// are relative to the manifest's folder; resolve them with [Manifest.File].
type HospitalManifest struct {
	WeChat struct {
		MchID          string `json:"mchid"`
		AppID          string `json:"appid"`
		MerchantSerial string `json:"merchant_serial"`
		MerchantKey    string `json:"merchant_key"` // file
		APIv3Key       string `json:"apiv3_key"`    // file
		VerifyMode     string `json:"verify_mode"`  // public_key or certificate
		PublicKeyID    string `json:"public_key_id"`
		PublicKey      string `json:"public_key"` // file
	} `json:"wechat"`
	UnionPay struct {
		MerID        string `json:"mer_id"`
		CertID       string `json:"cert_id"`
		MerchantKey  string `json:"merchant_key"`  // file
		MerchantCert string `json:"merchant_cert"` // file
		RootCert     string `json:"root_cert"`     // file
		MiddleCert   string `json:"middle_cert"`   // file
	} `json:"unionpay"`
	Insurance struct {
		AppID             string `json:"app_id"`
		AppSecret         string `json:"app_secret"` // file
		OrgCode           string `json:"org_code"`
		PrivateKey        string `json:"private_key"`         // file
		PlatformPublicKey string `json:"platform_public_key"` // file
	} `json:"insurance"`
	HIS struct {
		BaseURL     string `json:"base_url"`
		BearerToken string `json:"bearer_token"` // file
	} `json:"his"`
	Identity struct {
		AppID       string `json:"appid"`
		AccessToken string `json:"access_token"` // file
		SMSAccount  string `json:"sms_account"`
		SMSKey      string `json:"sms_key"` // file
	} `json:"identity"`
}

// File is the absolute path of a file named in the manifest; empty stays empty.
func (m Manifest) File(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(m.Dir, name)
}

// ReadManifest reads onboarding.json from the sandbox's folder.
func ReadManifest(dir string) (Manifest, error) {
	m := Manifest{Dir: dir}
	text, err := os.ReadFile(filepath.Join(dir, "onboarding.json"))
	if err != nil {
		return m, fmt.Errorf("read the sandbox's manifest: %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("read the sandbox's manifest in %s: %w", dir, err)
	}
	if len(m.Hospitals) == 0 || len(m.Endpoints) == 0 {
		return m, fmt.Errorf("read the sandbox's manifest in %s: it names no hospitals or no endpoints", dir)
	}
	return m, nil
}

// counterparties are the sandbox's listeners, in the order of its ports.
func counterparties() []string {
	return []string{"admin", "wechat", "unionpay", "insurance", "his", "identity"}
}

func isCounterparty(name string) bool { return slices.Contains(counterparties(), name) }
