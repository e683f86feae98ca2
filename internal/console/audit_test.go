package console

import (
	"context"
	"time"
)

func (m *deskMemory) LogViewed(_ context.Context, subject, by, address string, _ time.Time) error {
	m.changed = append(m.changed, "read "+subject+" "+by+" "+address)
	return nil
}
