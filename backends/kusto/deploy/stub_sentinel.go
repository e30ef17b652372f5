package deploy

import "sigmac/internal/deploy"

func sentinelFormats() []deploy.Format { return nil }
