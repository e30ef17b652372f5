package deploy

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"sigmac/internal/deploy"
	"sigmac/internal/suggest"
	"sigmac/ir"
)

// entityMappings are the entities of an alert by their kind, a column for each member: hosts have
// deviceIdColumn, nameColumn, … (Microsoft Graph: entityMappingConfiguration resource type).
type entityMappings map[string][]columnsByName

// columnsByName are columns of the results by what they are for.
type columnsByName map[string]string

// UnmarshalJSON reads them, by the names of Graph where a tool has written them with a capital.
func (m *entityMappings) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return errors.New("the entities are no object")
	}
	for _, kind := range slices.Sorted(maps.Keys(raw)) {
		var of []columnsByName
		if strings.Contains(kind, "@odata") {
			continue
		}
		if err := json.Unmarshal(raw[kind], &of); err != nil {
			return errors.New("an entity is no object of texts")
		}
		if of = slices.DeleteFunc(of, func(c columnsByName) bool { return len(c) == 0 }); len(of) > 0 {
			if *m == nil {
				*m = entityMappings{}
			}
			for i, columns := range of {
				of[i] = columnsByName{}
				for member, column := range columns {
					of[i][lowerFirst(member)] = column
				}
			}
			(*m)[lowerFirst(kind)] = of
		}
	}
	return nil
}

// UnmarshalJSON reads them, without what OData says of types; what is null or empty is not there.
func (c *columnsByName) UnmarshalJSON(data []byte) error {
	var raw map[string]*string
	if err := json.Unmarshal(data, &raw); err != nil {
		return errors.New("columns are no object of texts")
	}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		if value := raw[name]; value != nil && *value != "" && !strings.Contains(name, "@odata") {
			if *c == nil {
				*c = columnsByName{}
			}
			(*c)[name] = *value
		}
	}
	return nil
}

// lowerFirst is a name as Graph writes it; PowerShell's modules begin names with a capital.
func lowerFirst(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToLower(name[:1]) + name[1:]
}

// An entityKind is what an alert can be about: the members of it, by what Graph documents, and the
// sets of members of which one must be there, where the service has said which it takes.
type entityKind struct {
	members []string
	needs   [][]string
}

// entityKinds are those of Graph.
var entityKinds = sync.OnceValue(func() map[string]entityKind {
	return map[string]entityKind{
		"accounts": {strings.Fields("aadUserIdColumn dnsDomainColumn nameColumn ntDomainColumn sidColumn upnColumn upnSuffixColumn"), [][]string{
			{"aadUserIdColumn"}, {"sidColumn"}, {"upnColumn"}, {"nameColumn", "ntDomainColumn"}, {"nameColumn", "dnsDomainColumn"}, {"nameColumn", "upnSuffixColumn"}}},
		"hosts": {strings.Fields("deviceIdColumn dnsDomainColumn nameColumn netBiosNameColumn ntDomainColumn"), [][]string{
			{"deviceIdColumn"}, {"nameColumn"}, {"netBiosNameColumn", "ntDomainColumn"}, {"netBiosNameColumn", "dnsDomainColumn"}}},
		"files":     {strings.Fields("nameColumn sha1Column sha256Column"), [][]string{{"sha1Column"}, {"sha256Column"}}},
		"processes": {strings.Fields("sha1Column sha256Column"), nil},
		"mailMessages": {strings.Fields("networkMessageIdColumn recipientColumn senderColumn subjectColumn"), [][]string{
			{"networkMessageIdColumn", "recipientColumn", "senderColumn", "subjectColumn"}}},
		"registryValues":       {strings.Fields("keyColumn valueNameColumn"), [][]string{{"keyColumn", "valueNameColumn"}}},
		"ips":                  {strings.Fields("addressColumn scopeColumn"), nil},
		"urls":                 {[]string{"addressColumn"}, nil},
		"mailboxes":            {[]string{"primaryAddressColumn"}, nil},
		"dns":                  {strings.Fields("domainNameColumn hostIpAddressColumn serverIpColumn"), nil},
		"cloudApplications":    {strings.Fields("appIdColumn nameColumn"), nil},
		"oAuthApplications":    {[]string{"oAuthAppIdColumn"}, nil},
		"securityGroups":       {strings.Fields("distinguishedNameColumn objectIdColumn sidColumn"), nil},
		"mailClusters":         {strings.Fields("queryColumn sourceColumn"), nil},
		"azureResources":       {[]string{"resourceIdColumn"}, nil},
		"amazonResources":      {[]string{"amazonResourceIdColumn"}, nil},
		"googleCloudResources": {[]string{"fullResourceNameColumn"}, nil},
	}
})

// assets are the kinds of which an alert needs one.
var assets = []string{"hosts", "accounts", "mailboxes", "ips"}

// A knownEntity is one that columns of Defender's tables identify. It is told where the rule tests one
// of its columns, and else where it is what every event of the table is about.
type knownEntity struct {
	kind    string
	about   string // the tables whose events are about it; `*`: all
	columns string // member=Column
}

// knownEntities are those of the tables of advanced hunting (Microsoft Learn: the pages of the
// tables), in the order in which they are told.
var knownEntities = []knownEntity{
	{"hosts", "*", "deviceIdColumn=DeviceId nameColumn=DeviceName"},
	{"hosts", "", "nameColumn=RemoteDeviceName"},
	{"hosts", "", "nameColumn=TargetDeviceName"},
	{"hosts", "", "nameColumn=DestinationDeviceName"},
	{"accounts", "*", "nameColumn=AccountName ntDomainColumn=AccountDomain sidColumn=AccountSid upnColumn=AccountUpn aadUserIdColumn=AccountObjectId"},
	{"accounts", "*", "nameColumn=InitiatingProcessAccountName ntDomainColumn=InitiatingProcessAccountDomain sidColumn=InitiatingProcessAccountSid " +
		"upnColumn=InitiatingProcessAccountUpn aadUserIdColumn=InitiatingProcessAccountObjectId"},
	{"accounts", "", "nameColumn=RequestAccountName ntDomainColumn=RequestAccountDomain sidColumn=RequestAccountSid"},
	{"accounts", "", "upnColumn=TargetAccountUpn"},
	{"accounts", "", "aadUserIdColumn=SenderObjectId"},
	{"accounts", "*", "aadUserIdColumn=RecipientObjectId"},
	{"mailboxes", "*", "primaryAddressColumn=RecipientEmailAddress"},
	{"mailboxes", "", "primaryAddressColumn=SenderFromAddress"},
	{"mailboxes", "", "primaryAddressColumn=SenderMailFromAddress"},
	{"mailMessages", "*", "networkMessageIdColumn=NetworkMessageId recipientColumn=RecipientEmailAddress senderColumn=SenderFromAddress subjectColumn=Subject"},
	{"files", "DeviceProcessEvents DeviceFileEvents DeviceImageLoadEvents EmailAttachmentInfo", "nameColumn=FileName sha1Column=SHA1 sha256Column=SHA256"},
	{"files", "", "nameColumn=InitiatingProcessFileName sha1Column=InitiatingProcessSHA1 sha256Column=InitiatingProcessSHA256"},
	{"processes", "*", "sha1Column=InitiatingProcessSHA1 sha256Column=InitiatingProcessSHA256"},
	{"registryValues", "DeviceRegistryEvents", "keyColumn=RegistryKey valueNameColumn=RegistryValueName"},
	{"registryValues", "", "keyColumn=PreviousRegistryKey valueNameColumn=PreviousRegistryValueName"},
	{"ips", "DeviceNetworkEvents DeviceLogonEvents", "addressColumn=RemoteIP"},
	{"ips", "*", "addressColumn=IPAddress"},
	{"ips", "", "addressColumn=LocalIP"},
	{"ips", "", "addressColumn=DestinationIPAddress"},
	{"ips", "", "addressColumn=FileOriginIP"},
	{"ips", "", "addressColumn=SenderIPv4"},
	{"ips", "", "addressColumn=SenderIPv6"},
	{"ips", "", "addressColumn=ProcessRemoteSessionIP"},
	{"ips", "", "addressColumn=InitiatingProcessRemoteSessionIP"},
	{"urls", "DeviceNetworkEvents", "addressColumn=RemoteUrl"},
	{"urls", "EmailUrlInfo UrlClickEvents", "addressColumn=Url"},
	{"urls", "", "addressColumn=FileOriginUrl"},
	{"urls", "", "addressColumn=FileOriginReferrerUrl"},
	{"cloudApplications", "CloudAppEvents", "appIdColumn=ApplicationId nameColumn=Application"},
}

// sufficient says whether columns identify an entity of a kind; of a kind of which the service has
// not said what it takes, one column does.
func sufficient(kind string, columns columnsByName) bool {
	needs := entityKinds()[kind].needs
	return len(needs) == 0 && len(columns) > 0 || slices.ContainsFunc(needs, func(set []string) bool {
		return !slices.ContainsFunc(set, func(member string) bool { return columns[member] == "" })
	})
}

// entities are those that the rule names, or those of its columns.
func (w *defenderWriter) entities() entityMappings {
	out := entityMappings{}
	add := func(kind string, columns columnsByName) {
		if !slices.ContainsFunc(out[kind], func(c columnsByName) bool { return maps.Equal(c, columns) }) {
			out[kind] = append(out[kind], columns)
		}
	}
	if w.Plan.Entities != nil {
		for _, e := range w.Plan.Entities {
			if kind, columns := w.named(e); len(columns) > 0 {
				add(kind, columns)
			}
		}
		return out
	}
	for _, first := range []bool{true, false} { // those of tested columns before the others
		for _, k := range knownEntities {
			columns, tested := columnsByName{}, false
			for _, field := range strings.Fields(k.columns) {
				member, column, _ := strings.Cut(field, "=")
				if w.returns(column) {
					columns[member] = column
					tested = tested || slices.Contains(w.Tested, column)
				}
			}
			about := k.about == "*" || slices.Contains(strings.Fields(k.about), w.Scope.Table)
			if (tested || about) && tested == first && sufficient(k.kind, columns) {
				add(k.kind, columns)
			}
		}
	}
	return out
}

// returns says whether results are known to have a column.
func (w *defenderWriter) returns(column string) bool {
	if w.Columns != nil {
		return w.Result(column)
	}
	t, ok := w.Has(column)
	return ok && t != ir.Unknown
}

// kindsByType are the kinds of the types of entities that rules name.
var kindsByType = map[string]string{
	"account": "accounts", "host": "hosts", "ip": "ips", "file": "files", "filehash": "files", "hash": "files", "process": "processes", "url": "urls",
	"registrykey": "registryValues", "registryvalue": "registryValues", "mailbox": "mailboxes", "mailmessage": "mailMessages", "dns": "dns",
	"cloudapplication": "cloudApplications", "azureresource": "azureResources", "securitygroup": "securityGroups",
}

// otherMembers are members by the names that Sentinel has for what they are.
var otherMembers = map[string]string{
	"hostname": "nameColumn", "fullname": "nameColumn", "azureid": "deviceIdColumn", "objectguid": "aadUserIdColumn", "url": "addressColumn", "value": "addressColumn",
	"mailboxprimaryaddress": "primaryAddressColumn", "recipient": "recipientColumn", "sender": "senderColumn", "resourceid": "resourceIdColumn", "key": "keyColumn",
}

// named is an entity that the rule names, by the names of Graph, with or without their ending, or
// those of Sentinel.
func (w *defenderWriter) named(e deploy.Entity) (kind string, columns columnsByName) {
	if kind = kindsByType[strings.ToLower(e.Type)]; kind == "" {
		kind = lowerFirst(e.Type)
	}
	known, ok := entityKinds()[kind]
	if !ok {
		w.find(checkEntity, "Defender has no entity of the type %q%s", e.Type, suggest.For(e.Type, deploy.EntityTypes))
		return "", nil
	}
	columns = columnsByName{}
	for _, f := range e.Fields {
		if member := memberFor(kind, f); member != "" {
			columns[member] = f.Column
		} else {
			w.find(checkEntity, "an entity of the type %s has nothing that is called %q%s", e.Type, f.Identifier, suggest.For(f.Identifier, known.members))
		}
	}
	return kind, columns
}

// memberFor is the member of a kind that a field is for; where the field does not say it, the one
// that its column is for in the tables of Defender.
func memberFor(kind string, f deploy.EntityField) string {
	members := entityKinds()[kind].members
	if f.Identifier == "" {
		for _, k := range knownEntities {
			for _, field := range strings.Fields(k.columns) {
				if member, column, _ := strings.Cut(field, "="); k.kind == kind && column == f.Column {
					return member
				}
			}
		}
		return members[0]
	}
	for _, m := range members {
		short := strings.TrimSuffix(m, "Column")
		if strings.EqualFold(f.Identifier, m) || strings.EqualFold(f.Identifier, short) || otherMembers[strings.ToLower(f.Identifier)] == m {
			return m
		}
	}
	return ""
}
