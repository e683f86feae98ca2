package wechat

import (
	"net/http"
)

// certificates answers GET /v3/certificates with the platform's certificate,
// encrypted with the merchant's APIv3 key (documented as 下载平台证书). A merchant that was
// onboarded with a public key has no certificate.
func (s *Server) certificates(m *merchant, _ *http.Request, _ []byte) (reply, error) {
	if m.mode != Certificate {
		return reply{}, refuse(codeResourceNotFound, "无可用的平台证书，请使用微信支付公钥")
	}
	encrypted, err := seal(m, "", "certificate", m.certificate)
	if err != nil {
		return reply{}, err
	}
	type certificate struct {
		SerialNo           string `json:"serial_no"`
		EffectiveTime      string `json:"effective_time"`
		ExpireTime         string `json:"expire_time"`
		EncryptCertificate sealed `json:"encrypt_certificate"`
	}
	return reply{body: map[string][]certificate{"data": {{SerialNo: m.PlatformSerial, EffectiveTime: rfc3339(m.validFrom),
		ExpireTime: rfc3339(m.validTo), EncryptCertificate: encrypted}}}}, nil
}
