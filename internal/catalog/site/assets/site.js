"use strict";
(() => {
	const root = document.body.dataset.root;
	const page = document.documentElement;
	const $ = (id) => document.getElementById(id);
	page.classList.add("js");

	// The theme, kept where the browser lets us.
	const kept = {
		get theme() { try { return localStorage.getItem("sigmac-theme"); } catch { return null; } },
		set theme(v) { try { localStorage.setItem("sigmac-theme", v); } catch { /* it lasts for this page */ } },
	};
	const dark = () => page.dataset.theme ? page.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
	const themed = () => { $("theme").textContent = dark() ? "Light" : "Dark"; };
	if (kept.theme === "dark" || kept.theme === "light") page.dataset.theme = kept.theme;
	$("theme").hidden = false;
	$("theme").addEventListener("click", () => { page.dataset.theme = kept.theme = dark() ? "light" : "dark"; themed(); });
	themed();

	const say = (text) => { $("live").textContent = ""; setTimeout(() => { $("live").textContent = text; }, 50); };

	// Copying, also from disk, where there may be no clipboard.
	async function copy(text) {
		try { await navigator.clipboard.writeText(text); return true; } catch { /* the old way */ }
		const area = document.createElement("textarea");
		area.value = text;
		area.className = "unseen";
		document.body.append(area);
		area.select();
		const done = document.execCommand("copy");
		area.remove();
		return done;
	}
	for (const button of document.querySelectorAll(".copy")) {
		button.hidden = false;
		button.addEventListener("click", async () => {
			const code = button.parentElement.querySelector("code");
			const done = await copy(code.dataset.exact ? JSON.parse(code.dataset.exact) : code.textContent);
			button.focus();
			button.textContent = done ? "Copied" : "Not copied";
			say(done ? "Copied" : "The browser did not let this page copy");
			setTimeout(() => { button.textContent = "Copy"; }, 2000);
		});
	}

	// Tabs: without this script all of them are shown.
	for (const box of document.querySelectorAll(".tabs")) {
		const panels = [...box.querySelectorAll(".tab")];
		const list = document.createElement("div");
		list.className = "tablist";
		list.setAttribute("role", "tablist");
		list.setAttribute("aria-label", "Languages");
		const tabs = panels.map((panel, i) => {
			const tab = document.createElement("button");
			tab.type = "button";
			tab.id = "tab-" + panel.id;
			tab.setAttribute("role", "tab");
			tab.setAttribute("aria-controls", panel.id);
			tab.textContent = panel.dataset.tab + " ";
			tab.append(panel.querySelector(".verdict").cloneNode(true));
			panel.setAttribute("role", "tabpanel");
			panel.setAttribute("aria-labelledby", tab.id);
			tab.addEventListener("click", () => choose(i));
			tab.addEventListener("keydown", (e) => {
				const to = { ArrowRight: i + 1, ArrowLeft: i - 1 + panels.length, Home: 0, End: panels.length - 1 }[e.key];
				if (to === undefined) return;
				e.preventDefault();
				choose(to % panels.length);
				tabs[to % panels.length].focus();
			});
			list.append(tab);
			return tab;
		});
		function choose(n) {
			panels.forEach((panel, i) => {
				panel.hidden = i !== n;
				tabs[i].setAttribute("aria-selected", String(i === n));
				tabs[i].tabIndex = i === n ? 0 : -1;
			});
		}
		box.prepend(list);
		choose(Math.max(0, panels.findIndex((panel) => panel.dataset.verdict === "proved")));
	}

	// The matrix.
	const only = $("only-covered");
	if (only) {
		only.hidden = false;
		only.addEventListener("click", () => {
			const on = only.getAttribute("aria-pressed") !== "true";
			only.setAttribute("aria-pressed", String(on));
			document.querySelector(".matrix").classList.toggle("only-covered", on);
		});
	}

	document.addEventListener("keydown", (e) => {
		const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName);
		if (e.key === "/" && !typing && !e.ctrlKey && !e.metaKey && !e.altKey) {
			e.preventDefault();
			$("q").focus();
		}
	});

	// The search: on the first page, with data that is loaded when it is needed.
	if (!$("results")) return;
	const box = $("q"), hits = $("hits"), step = 100;
	const selects = { catalog: $("by-catalog"), level: $("by-level"), source: $("by-source"), tactic: $("by-tactic") };
	let data, loading, shown = 0, order = [], current = -1;

	window.sigmac = {
		data(d) {
			d.blob = d.texts.join("\n").toLowerCase() + "\n";
			d.starts = new Uint32Array(d.texts.length + 1);
			let at = 0;
			for (let i = 0; i < d.texts.length; i++) {
				d.starts[i] = at;
				at = d.blob.indexOf("\n", at) + 1;
			}
			d.starts[d.texts.length] = at;
			d.late = new Uint8Array(d.titles);
			for (const n of d.old) d.late[n] = 1;
			data = d;
			for (const [name, values] of [["catalog", d.catalogs], ["level", d.levels], ["source", d.sources], ["tactic", d.tactics]]) {
				values.forEach((text, i) => {
					if (text) selects[name].append(new Option(text, i));
				});
			}
		},
	};
	const load = () => loading ||= new Promise((done) => {
		const script = document.createElement("script");
		script.src = root + "assets/search.js";
		script.onload = done;
		script.onerror = () => { $("found").textContent = "The data of the search could not be loaded."; };
		document.head.append(script);
	});

	// parse gives the words of a query, each with the kinds of text that it may stand in.
	function parse(query) {
		const words = [];
		for (const m of query.matchAll(/(?:(\w+):)?(?:"([^"]*)"?|(\S+))/g)) {
			const kind = m[1] && data.kinds[m[1].toLowerCase()];
			const text = (m[2] ?? m[3]).toLowerCase();
			if (kind) words.push([text, [kind]]);
			else words.push([(m[1] ? m[1].toLowerCase() + ":" : "") + text, Object.values(data.kinds)]);
		}
		return words.filter(([text]) => text !== "");
	}

	// mark counts the rules that have the word in a text of these kinds; a title
	// counts more.
	function mark(word, kinds, marks) {
		const { blob, starts, rules } = data;
		for (const [from, to, weight] of kinds) {
			const end = starts[to];
			let at = starts[from], i = from;
			while (at < end) {
				at = blob.indexOf(word, at);
				if (at < 0 || at >= end) break;
				let low = i, high = to; // the text that holds it
				while (high - low > 1) {
					const mid = (low + high) >> 1;
					if (starts[mid] <= at) low = mid; else high = mid;
				}
				const of = rules[low];
				if (typeof of === "number") marks[of] = Math.max(marks[of], weight);
				else for (const n of of) marks[n] = Math.max(marks[n], weight);
				i = low + 1;
				at = starts[i];
			}
		}
	}

	function search(query) {
		const begin = performance.now();
		const count = data.titles;
		const total = new Uint8Array(count).fill(1);
		for (const [word, kinds] of parse(query)) {
			const marks = new Uint8Array(count);
			mark(word, kinds, marks);
			for (let n = 0; n < count; n++) total[n] = total[n] && marks[n] ? Math.min(250, total[n] + marks[n]) : 0;
		}
		const [from, to] = data.kinds.title; // the words as they stand in a title come first
		const whole = new Uint8Array(count);
		if (query.trim()) mark(query.trim().toLowerCase(), [[from, to, 100]], whole);
		for (let n = 0; n < count; n++) if (total[n]) total[n] = Math.min(250, total[n] + whole[n]);
		for (const [name, of] of [["catalog", data.catalog], ["level", data.level], ["source", data.source]]) {
			const value = selects[name].value;
			if (value !== "") for (let n = 0; n < count; n++) if (of[n] !== Number(value)) total[n] = 0;
		}
		if (selects.tactic.value !== "") {
			const tactic = Number(selects.tactic.value);
			for (let n = 0; n < count; n++) if (total[n] && !data.tacticsOf[n].includes(tactic)) total[n] = 0;
		}
		order = [];
		for (let n = 0; n < count; n++) if (total[n]) order.push(n);
		order.sort((a, b) => data.late[a] - data.late[b] || total[b] - total[a] || a - b); // deprecated rules last
		show();
		page.dataset.searchMs = (performance.now() - begin).toFixed(2);
	}

	function show() {
		hits.replaceChildren();
		shown = 0;
		current = -1;
		$("results").hidden = false;
		$("found").textContent = order.length === 1 ? "1 rule" : order.length.toLocaleString("en") + " rules";
		more();
	}
	function more() {
		for (const n of order.slice(shown, shown + step)) {
			const item = document.createElement("li"), link = document.createElement("a"), about = document.createElement("small");
			link.href = root + "rules/" + data.catalogs[data.catalog[n]].toLowerCase() + "/" + data.files[n] + ".html";
			link.textContent = data.texts[n];
			about.textContent = " " + [data.catalogs[data.catalog[n]], data.levels[data.level[n]], data.sources[data.source[n]], data.late[n] && "deprecated"].filter((s) => s).join(" · ");
			item.append(link, about);
			hits.append(item);
		}
		shown = Math.min(order.length, shown + step);
		$("more").hidden = shown >= order.length;
	}
	$("more").addEventListener("click", () => {
		const first = shown;
		more();
		hits.children[first]?.querySelector("a").focus();
	});

	// The query stands in the address, so that a result can be sent and gone back to.
	function remember() {
		const p = new URLSearchParams();
		if (box.value) p.set("q", box.value);
		for (const [name, select] of Object.entries(selects)) if (select.value !== "") p.set(name, select.selectedOptions[0].textContent);
		const text = p.toString();
		history.replaceState(null, "", text ? "#" + text : location.pathname);
	}
	async function run(always) {
		await load();
		if (!box.value.trim() && !always && Object.values(selects).every((s) => s.value === "")) {
			$("results").hidden = true;
			remember();
			return;
		}
		search(box.value);
		remember();
	}
	box.addEventListener("focus", load, { once: true });
	box.addEventListener("input", () => run(false));
	for (const select of Object.values(selects)) select.addEventListener("change", () => run(true));
	$("browse").hidden = false;
	$("browse").addEventListener("click", async () => { await run(true); $("found").scrollIntoView({ block: "nearest" }); });
	$("search").addEventListener("submit", (e) => {
		e.preventDefault();
		(hits.children[Math.max(0, current)]?.querySelector("a"))?.click();
	});
	box.addEventListener("keydown", (e) => {
		if (e.key === "Escape") { box.value = ""; run(false); return; }
		const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
		if (!by || !hits.children.length) return;
		e.preventDefault();
		hits.children[current]?.removeAttribute("aria-current");
		current = Math.min(hits.children.length - 1, Math.max(0, current + by));
		const item = hits.children[current];
		item.setAttribute("aria-current", "true");
		item.scrollIntoView({ block: "nearest" });
		say(item.textContent);
	});
	async function restore() {
		const p = new URLSearchParams(location.hash.slice(1) || location.search);
		if (![...p.keys()].length) return;
		await load();
		box.value = p.get("q") ?? "";
		for (const [name, select] of Object.entries(selects)) {
			const option = [...select.options].find((o) => o.value !== "" && o.textContent === p.get(name));
			select.value = option ? option.value : "";
		}
		await run(true);
	}
	addEventListener("hashchange", restore);
	restore();
})();
