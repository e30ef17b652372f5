// Package deploy makes and reads the detections of Microsoft Sentinel and Defender.
package deploy

import "sigmac/internal/deploy"

// Formats are the forms in which detections get there.
func Formats() []deploy.Format { return append(sentinelFormats(), defenderFormats()...) }
