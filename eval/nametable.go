package eval

import (
	"hash/maphash"
	"strings"
)

// A nameTable numbers the names of members, for names come again from event to event. What is called by a number is
// compared and looked up without its text.
type nameTable struct {
	layout *layout
	seed   maphash.Seed
	table  []int32 // numbers by hash, with open addressing; 0: empty
	all    []named // by number
	bytes  int     // of their texts
}

// A named is a name.
type named struct {
	text      string
	head      int32  // that is called so, or none
	attribute bool   // isAttribute
	stamp     uint64 // of the last object that was seen to have it
}

// The numbers of fixedNames.
const (
	nameNone = iota // that of an element
	nameText
	nameOtherText
	nameAttributes
	nameData
	nameSystem
	nameEventData
	nameUserData
	nameRaw
)

var fixedNames = []string{nameText: "#text", nameOtherText: "Text", nameAttributes: "#attributes", nameData: "Data", nameSystem: "System",
	nameEventData: "EventData", nameUserData: "UserData", nameRaw: rawField}

// maxNames and maxNameBytes bound what is kept from event to event.
const (
	maxNames     = 1 << 12
	maxNameBytes = 1 << 18
)

// restart forgets the names if there are none, or too many. It is called between events.
func (n *nameTable) restart() {
	if n.table != nil && len(n.all) <= maxNames && n.bytes <= maxNameBytes {
		return
	}
	n.table, n.all, n.bytes = make([]int32, 1<<8), []named{{head: none}}, 0
	for _, name := range fixedNames[1:] {
		n.number(name)
	}
}

// number is that of a name, which gets one if it has none.
func (n *nameTable) number(name string) int32 {
	for at := n.home(name); ; at++ {
		i := n.table[at&uint32(len(n.table)-1)]
		if i == 0 {
			return n.add(name)
		}
		if n.all[i].text == name {
			return i
		}
	}
}

func (n *nameTable) home(name string) uint32 { return uint32(maphash.String(n.seed, name)) }

func (n *nameTable) add(name string) int32 {
	if 2*len(n.all) >= len(n.table) {
		n.table = make([]int32, 2*len(n.table))
		for i := 1; i < len(n.all); i++ {
			n.place(int32(i))
		}
	}
	i := int32(len(n.all))
	n.all = append(n.all, named{text: strings.Clone(name), head: n.layout.head(name), attribute: isAttribute(name)})
	n.bytes += len(name)
	n.place(i)
	return i
}

// place puts a number into the table.
func (n *nameTable) place(i int32) {
	at := n.home(n.all[i].text)
	for n.table[at&uint32(len(n.table)-1)] != 0 {
		at++
	}
	n.table[at&uint32(len(n.table)-1)] = i
}
