package main

import (
	"os"
	"syscall"
)

// chroot is how a process gets dir as its root, also without rights where users may have namespaces.
func chroot(dir string) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Chroot: dir}
	if os.Geteuid() != 0 {
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
	}
	return attr
}
