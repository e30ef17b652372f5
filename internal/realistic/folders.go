package realistic

import (
	"strings"
	"sync"
)

// programs are folders with the files that a Windows has there, or that programs put there.
var programs = []struct{ folder, names string }{
	{`C:\Windows\System32`, `appwiz.cpl arp.exe at.exe attrib.exe bcdedit.exe bitsadmin.exe cacls.exe calc.exe certreq.exe certutil.exe cmd.exe cmdkey.exe cmstp.exe
		conhost.exe control.exe cscript.exe curl.exe dism.exe dllhost.exe dnscmd.exe driverquery.exe dsquery.exe esentutl.exe eventvwr.exe expand.exe extrac32.exe
		findstr.exe finger.exe fltmc.exe fodhelper.exe forfiles.exe fsutil.exe ftp.exe gpresult.exe icacls.exe ieexec.exe ipconfig.exe logman.exe
		lsass.exe mavinject.exe mmc.exe mpcmdrun.exe mshta.exe msdt.exe msiexec.exe mspaint.exe mstsc.exe nbtstat.exe net.exe net1.exe netsh.exe netstat.exe
		nltest.exe notepad.exe nslookup.exe ntdsutil.exe odbcconf.exe pcalua.exe ping.exe pnputil.exe presentationhost.exe print.exe query.exe
		quser.exe reg.exe regini.exe regsvr32.exe replace.exe robocopy.exe route.exe rundll32.exe runas.exe runonce.exe sc.exe schtasks.exe
		secedit.exe services.exe setspn.exe shutdown.exe spoolsv.exe svchost.exe systeminfo.exe takeown.exe tar.exe taskhostw.exe taskkill.exe
		tasklist.exe taskmgr.exe tracert.exe tttracer.exe vaultcmd.exe verclsid.exe vssadmin.exe w32tm.exe wbadmin.exe werfault.exe wermgr.exe
		wevtutil.exe where.exe whoami.exe wininit.exe winlogon.exe winrm.cmd winrs.exe wscript.exe wsmprovhost.exe wuauclt.exe xcopy.exe xwizard.exe`},
	{`C:\Windows\System32\wbem`, `mofcomp.exe scrcons.exe wmic.exe wmiprvse.exe`},
	{`C:\Windows\System32\WindowsPowerShell\v1.0`, `powershell.exe powershell_ise.exe`},
	{`C:\Windows\System32\OpenSSH`, `scp.exe sftp.exe ssh.exe`},
	{`C:\Windows\System32\inetsrv`, `appcmd.exe w3wp.exe`},
	{`C:\Windows`, `explorer.exe hh.exe regedit.exe`},
	{`C:\Windows\Microsoft.NET\Framework64\v4.0.30319`, `aspnet_compiler.exe csc.exe ilasm.exe installutil.exe jsc.exe msbuild.exe regasm.exe regsvcs.exe vbc.exe`},
	{`C:\Program Files\PowerShell\7`, `pwsh.exe`},
	{`C:\Program Files\Microsoft Office\root\Office16`, `excel.exe msaccess.exe mspub.exe onenote.exe outlook.exe powerpnt.exe visio.exe winword.exe`},
	{`C:\Program Files\Common Files\Microsoft Shared\EQUATION`, `eqnedt32.exe`},
	{`C:\Program Files\Google\Chrome\Application`, `chrome.exe`},
	{`C:\Program Files (x86)\Microsoft\Edge\Application`, `msedge.exe`},
	{`C:\Program Files\Mozilla Firefox`, `firefox.exe`},
	{`C:\Program Files\BraveSoftware\Brave-Browser\Application`, `brave.exe`},
	{`C:\Program Files\WinRAR`, `rar.exe unrar.exe winrar.exe`},
	{`C:\Program Files\7-Zip`, `7z.exe 7za.exe 7zr.exe`},
	{`C:\Program Files\Java\jre\bin`, `java.exe javaw.exe`},
	{`C:\Program Files\nodejs`, `node.exe`},
	{`C:\Program Files\Git\cmd`, `git.exe`},
	{`C:\Program Files\Microsoft SQL Server\MSSQL15.MSSQLSERVER\MSSQL\Binn`, `sqlservr.exe`},
	{`C:\Python312`, `python.exe pythonw.exe`},
}

var folderByName = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for _, p := range programs {
		for _, n := range strings.Fields(p.names) {
			out[n] = p.folder
		}
	}
	return out
})

// folderOf is the folder in which a file of that name lies, or empty.
func folderOf(name string) string { return folderByName()[strings.ToLower(name)] }

// starts are how paths go on behind a folder, with that folder; the first that fits counts.
var starts = []struct{ next, folder string }{
	{`\windows\`, `C:`}, {`\users\`, `C:`}, {`\program files`, `C:`}, {`\programdata`, `C:`}, {`\perflogs\`, `C:`}, {`\$recycle.bin`, `C:`}, {`\inetpub\`, `C:`},
	{`\appdata`, `C:\Users\alice`}, {`\desktop\`, `C:\Users\alice`}, {`\downloads\`, `C:\Users\alice`}, {`\documents\`, `C:\Users\alice`}, {`\pictures\`, `C:\Users\alice`},
	{`\music\`, `C:\Users\alice`}, {`\videos\`, `C:\Users\alice`}, {`\contacts\`, `C:\Users\alice`}, {`\favorites\`, `C:\Users\alice`}, {`\local settings\`, `C:\Documents and Settings\alice`},
	{`\local\`, `C:\Users\alice\AppData`}, {`\roaming\`, `C:\Users\alice\AppData`}, {`\microsoft\`, `C:\Users\alice\AppData\Roaming`},
	{`\google\`, `C:\Program Files`}, {`\mozilla firefox\`, `C:\Program Files`}, {`\microsoft office\`, `C:\Program Files`}, {`\windowsapps\`, `C:\Program Files`},
	{`\start menu\`, `C:\ProgramData\Microsoft\Windows`}, {`\startup\`, `C:\ProgramData\Microsoft\Windows\Start Menu\Programs`},
	{`\system32\`, `C:\Windows`}, {`\syswow64\`, `C:\Windows`}, {`\temp\`, `C:\Windows`}, {`\tasks\`, `C:\Windows`}, {`\winsxs\`, `C:\Windows`}, {`\microsoft.net\`, `C:\Windows`},
	{`\drivers\`, `C:\Windows\System32`}, {`\wbem\`, `C:\Windows\System32`}, {`\spool\`, `C:\Windows\System32`},
}

// folderFor are folders in front of the end of a path, the likeliest first.
func folderFor(rest string, windows bool) []string {
	switch {
	case !windows && strings.HasPrefix(rest, "/") && strings.Count(rest, "/") > 1, strings.HasPrefix(rest, `\\`), strings.HasPrefix(rest, "%"), len(rest) > 1 && rest[1] == ':':
		return []string{""}
	case !windows:
		return []string{"/usr/bin", "/tmp"}
	case strings.HasPrefix(rest, `:\`):
		return []string{"C"}
	}
	for _, s := range starts {
		if hasPrefix(rest, s.next) {
			return []string{s.folder}
		}
	}
	others := []string{`C:\Tools`, `C:\Users\alice\Downloads`, `C:\Windows\System32`, `C:\Program Files\Tools`}
	if folder := folderOf(strings.TrimPrefix(rest, `\`)); folder != "" {
		return append([]string{folder}, others...)
	}
	return others
}

// folderBelow is the name of a folder in another.
func folderBelow(folder string) string {
	if f := strings.ToLower(folder); strings.HasSuffix(f, `users\`) || strings.HasSuffix(f, "home/") {
		return "alice"
	}
	return "data"
}

// inFolder is what may stand between a folder and a file of it.
func inFolder(folder string) string {
	if f := strings.ToLower(folder); strings.HasSuffix(f, `\appdata\`) {
		return `Local\Temp\`
	} else if strings.HasSuffix(f, `\users\`) {
		return `alice\Downloads\`
	}
	return ""
}
