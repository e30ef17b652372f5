package evtx

import (
	"slices"
	"strconv"
)

// check holds the limits. It is called for each element that is written, and some are written
// several times.
func (c *chunk) check(e element) {
	c.spend(len(c.out) - c.spent + tokenWork*(1+e.attributes.to-e.attributes.from+e.content.to-e.content.from))
	if c.spent = len(c.out); c.spent > c.max {
		fail("it is larger than %d bytes", c.max)
	}
}

// writeEvent writes an event.
func (c *chunk) writeEvent(root value) {
	c.out, c.spent = c.out[:0], 0
	e := c.elements[root.at]
	object := c.writeObject()
	c.writeKey(object, e.name)
	c.writeValue(e, false)
	c.out = append(c.out, '}')
	c.check(element{})
}

// writeObject begins an object, which gets a number.
func (c *chunk) writeObject() int {
	c.out = append(c.out, '{')
	c.objects++
	return c.objects
}

// writeKey begins a member. A name that comes again has a number: Name, Name_1, Name_2.
func (c *chunk) writeKey(object, name int) {
	unique := name
	for c.words[unique].object == object {
		text := c.words[name].text + "_" + strconv.Itoa(c.words[name].next)
		c.words[name].next++
		c.spend(tokenWork + len(text))
		unique = c.id(text)
	}
	c.words[unique].object, c.words[unique].next = object, 1
	if c.out[len(c.out)-1] != '{' {
		c.out = append(c.out, ',')
	}
	c.out = append(c.out, '"')
	c.out = append(c.out, c.words[unique].text...)
	c.out = append(c.out, `":`...)
}

// writeValue writes what e holds: null, a text, number or bool, or an object. In one of data, the
// elements Data are named by their attribute Name.
func (c *chunk) writeValue(e element, data bool) {
	c.check(e)
	attributes, texts, elements := false, false, false
	for _, a := range c.attributes[e.attributes.from:e.attributes.to] {
		attributes = attributes || c.holdsText(a.content)
	}
	for _, v := range c.content[e.content.from:e.content.to] {
		elements = elements || v.kind == elementKind
		texts = texts || c.isText(v)
	}
	switch {
	case !attributes && !texts && !elements:
		c.out = append(c.out, "null"...)
		return
	case !attributes && !elements:
		c.writeText(e.content)
		return
	}
	object := c.writeObject()
	if attributes {
		c.writeKey(object, attributesWord)
		inner := c.writeObject()
		for _, a := range c.attributes[e.attributes.from:e.attributes.to] {
			if c.holdsText(a.content) {
				c.writeKey(inner, a.name)
				c.writeText(a.content)
			}
		}
		c.out = append(c.out, '}')
	}
	if texts {
		c.writeKey(object, textWord)
		c.writeText(e.content)
	}
	if elements {
		c.writeMembers(object, e, data)
	}
	c.out = append(c.out, '}')
}

func (c *chunk) isText(v value) bool { return v.kind != elementKind && !c.isEmpty(v) }

func (c *chunk) holdsText(content span) bool {
	c.spend(content.to - content.from)
	for _, v := range c.content[content.from:content.to] {
		if c.isText(v) {
			return true
		}
	}
	return false
}

// writeText writes the texts in content as one, and a single number or bool as it is.
func (c *chunk) writeText(content span) {
	c.spend(content.to - content.from)
	count, last := 0, value{}
	for _, v := range c.content[content.from:content.to] {
		if c.isText(v) {
			count, last = count+1, v
		}
	}
	if count == 1 && isBare(last) {
		c.out = c.appendText(c.out, last)
		return
	}
	c.out = append(c.out, '"')
	for _, v := range c.content[content.from:content.to] {
		if c.isText(v) {
			c.out = c.appendText(c.out, v)
			c.spend(len(c.out) - c.spent)
			c.spent = len(c.out)
		}
	}
	c.out = append(c.out, '"')
}

// writeMembers writes the elements in e as members of an object.
func (c *chunk) writeMembers(object int, e element, data bool) {
	list := c.content[e.content.from:e.content.to]
	unnamed := false
	for i := 0; i < len(list); i++ {
		if list[i].kind != elementKind {
			continue
		}
		child := c.elements[list[i].at]
		name, isData := noWord, false
		if data {
			name, isData = c.dataName(list[i])
		}
		switch {
		case !isData:
			c.writeKey(object, child.name)
			c.writeValue(child, child.name == eventDataWord || child.name == userDataWord)
		case name != noWord:
			c.writeKey(object, name)
			end := i + 1
			for end < len(list) {
				if next, isData := c.dataName(list[end]); list[end].kind == elementKind && (!isData || next != name) {
					break
				}
				end++
			}
			c.writeData(list[i:end], name)
			i = end - 1
		case !unnamed:
			unnamed = true
			c.writeKey(object, dataWord)
			c.out = append(c.out, `{"#text":`...)
			c.writeData(list, noWord)
			c.out = append(c.out, '}')
		}
	}
}

// dataName is the word that is the attribute Name of an element Data.
func (c *chunk) dataName(v value) (name int, isData bool) {
	if v.kind != elementKind || c.elements[v.at].name != dataWord {
		return noWord, false
	}
	e := c.elements[v.at]
	c.spend(e.attributes.to - e.attributes.from)
	for _, a := range c.attributes[e.attributes.from:e.attributes.to] {
		if a.name != nameWord {
			continue
		}
		content := c.content[a.content.from:a.content.to]
		c.spend(len(content))
		if len(content) == 1 && content[0].kind == stringType {
			return c.word(content[0]), true
		}
		var text []byte
		for _, v := range content {
			from := len(text)
			text = c.appendText(text, v)
			c.spend(len(text) - from)
		}
		return c.id(string(text)), true
	}
	return noWord, true
}

// writeData writes what the elements Data of a name in a list hold: that of one, or an array.
func (c *chunk) writeData(list []value, name int) {
	start, n := len(c.out), 0
	for _, v := range list {
		if own, isData := c.dataName(v); !isData || own != name {
			continue
		}
		if n++; n > 1 {
			c.out = append(c.out, ',')
		}
		e := c.elements[v.at]
		e.attributes = span{}
		if c.writeValue(e, false); string(c.out[len(c.out)-4:]) == "null" {
			c.out = append(c.out[:len(c.out)-4], `""`...)
		}
	}
	if n > 1 {
		c.out = append(slices.Insert(c.out, start, '['), ']')
	}
}
