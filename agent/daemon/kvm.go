package daemon

import "context"

func (h *Host) chooseAccel(ctx context.Context) error { h.Accel = "tcg"; return nil }
