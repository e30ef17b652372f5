package read

import "sigmac/ir"

// watchlistValue is that SearchKey has the first column of a watchlist's file, as it
// stands there.
const watchlistValue = "kusto/watchlist"

// watchlist reads `_GetWatchlist("name") | project column` as the list of the cells
// where the rows of the watchlist are known. The column SearchKey is the one that was
// chosen when the file was uploaded (page "Create watchlists in Microsoft Sentinel").
func (r *reader) watchlist(n *node) (out value) {
	ts := r.tokens[n.from:n.to]
	if len(ts) != 7 || ts[2].kind != tokenString || ts[6].kind != tokenName {
		return out
	}
	for i, text := range []string{"_GetWatchlist", "(", "", ")", "|", "project"} {
		if text != "" && ts[i].text != text {
			return out
		}
	}
	table, ok := ir.LookupOf(r.schema, ts[2].text)
	if !ok {
		r.lack = ir.UnknownLookup(ts[2].text)
		return out
	}
	column := ts[6].text
	if column == "SearchKey" && len(table.Columns) > 0 {
		column = table.Columns[0]
	}
	cells, ok := table.Column(column)
	if !ok {
		return out
	}
	r.assume(watchlistValue)
	out.kind = valueList
	for _, cell := range cells {
		r.spend(n)
		out.list = append(out.list, valueOf(cell))
	}
	return out
}
