//go:build !linux

package main

import "syscall"

// chroot is nil: a process keeps its root.
func chroot(string) *syscall.SysProcAttr { return nil }
