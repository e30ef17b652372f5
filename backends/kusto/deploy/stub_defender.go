package deploy

import "sigmac/internal/deploy"

func defenderFormats() []deploy.Format { return nil }
