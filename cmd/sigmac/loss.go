package main

import "sigmac/report"

type loss = report.Loss

var lossesOf = report.Losses
