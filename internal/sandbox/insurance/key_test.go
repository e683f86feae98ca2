package insurance

import (
	"crypto/rand"

	"github.com/emmansun/gmsm/sm2"
)

func openTestKey() (*sm2.PrivateKey, error) { return sm2.GenerateKey(rand.Reader) }
