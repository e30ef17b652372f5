// Tries the site of a catalog in Chromium: from disk, and from sigmac catalog
// serve. The site is in $SIGMAC_SITE, of the Sigma rules in $SIGMAC_RULES, and
// $SIGMAC is the command. Screenshots go to
// $SIGMAC_SHOTS, if that is set.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const site = process.env.SIGMAC_SITE, command = process.env.SIGMAC, shots = process.env.SIGMAC_SHOTS;
if (!site || !command || !process.env.SIGMAC_RULES) throw new Error('set SIGMAC_SITE, SIGMAC and SIGMAC_RULES');
if (shots) mkdirSync(shots, { recursive: true });
const disk = pathToFileURL(path.resolve(site)).href + '/';
let browser, server, served;

before(async () => {
	browser = await chromium.launch({
		executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
	});
	server = spawn(command, ['catalog', 'serve', '--port', '0', site], { stdio: ['ignore', 'pipe', 'inherit'] });
	served = await new Promise((done, failed) => {
		server.stdout.once('data', (text) => done(String(text).trim()));
		server.once('exit', (status) => failed(new Error('serve ended with ' + status)));
	});
});
after(async () => {
	await browser?.close();
	server?.kill('SIGINT');
});

// converted is the query that the command writes for the rule with characters
// that cannot be seen.
const converted = (target) => execFileSync(command, ['convert', '--without-pipeline', '--pretty', '-t', target, process.env.SIGMAC_RULES + '/unseen.yml'], { encoding: 'utf8' }).trim();

// open gives a page that notes what goes wrong on it: errors, and requests to
// anything but the site.
async function open(url, options = {}) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
	if (url.startsWith('http')) await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(url).origin });
	const page = await context.newPage();
	page.faults = [];
	page.on('pageerror', (e) => page.faults.push(e.message));
	page.on('console', (m) => { if (m.type() === 'error') page.faults.push(m.text()); });
	page.on('dialog', (d) => { page.faults.push('dialog ' + d.message()); d.dismiss(); });
	page.on('request', (r) => { if (!r.url().startsWith(disk) && !r.url().startsWith(served)) page.faults.push('asks ' + r.url()); });
	await page.goto(url);
	page.done = async () => {
		assert.deepEqual(page.faults, []);
		assert.equal(await page.evaluate(() => document.documentElement.dataset.hacked), undefined);
		await context.close();
	};
	return page;
}
const shot = (page, name, full = false) => shots && page.screenshot({ path: path.join(shots, name + '.png'), fullPage: full });
const both = (name, body) => {
	for (const kind of ['disk', 'server']) test(`${name} (${kind})`, () => body(kind === 'disk' ? disk : served));
};

both('search finds titles, values, fields and techniques', async (base) => {
	const page = await open(base + 'index.html');
	const find = async (query) => {
		await page.fill('#q', '');
		await page.fill('#q', query);
		await page.waitForFunction((q) => decodeURIComponent(location.hash.replaceAll('+', ' ')).includes('q=' + q), query);
		return page.locator('#hits a').allTextContents();
	};
	assert.ok((await find('who am i')).includes('Who Am I'));
	assert.equal((await find('who am i'))[0], 'Who Am I');
	assert.ok((await find('value:whoami.exe')).includes('Who Am I'));
	assert.ok((await find('field:commandline catalog:elastic')).includes('Whoami of Elastic'));
	assert.ok((await find('technique:t1033')).includes('Whoami of Splunk'));
	assert.ok((await find('"of elastic"')).length === 1);
	assert.ok((await find('11111111-0000-4000-8000-000000000001')).includes('Who Am I'));
	assert.deepEqual(await find('nothing has this'), []);
	assert.match(await page.textContent('#found'), /^0 rules$/);
	await find('whoami');
	await shot(page, 'search');
	await page.selectOption('#by-catalog', { label: 'Splunk' });
	assert.deepEqual(await page.locator('#hits a').allTextContents(), ['Whoami of Splunk']);
	// The address brings a result back.
	const again = await open(page.url());
	await again.waitForSelector('#hits a');
	assert.deepEqual(await again.locator('#hits a').allTextContents(), ['Whoami of Splunk']);
	await again.done();
	await page.locator('#hits a').first().click();
	assert.equal(await page.textContent('h1'), 'Whoami of Splunk');
	await page.done();
});

both('a search from another page', async (base) => {
	const page = await open(base + 'findings.html');
	await page.fill('#q', 'elastic');
	await page.keyboard.press('Enter');
	await page.waitForSelector('#hits a');
	assert.ok((await page.locator('#hits a').allTextContents()).includes('Whoami of Elastic'));
	await page.done();
});

both('the keyboard alone', async (base) => {
	const page = await open(base + 'index.html');
	await page.keyboard.press('/');
	assert.equal(await page.evaluate(() => document.activeElement.id), 'q');
	await page.keyboard.type('whoami of splunk');
	await page.waitForSelector('#hits a');
	await page.keyboard.press('ArrowDown');
	assert.equal(await page.locator('#hits [aria-current]').count(), 1);
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => document.querySelector('h1').textContent === 'Whoami of Splunk');
	await page.goto(base + 'rules/sigma/whoami.html');
	await page.keyboard.press('Tab');
	assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
	await page.keyboard.press('Enter');
	assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
	// Everything that can be used can be reached, and is seen to be.
	const reached = new Set();
	for (let i = 0; i < 120; i++) {
		await page.keyboard.press('Tab');
		reached.add(await page.evaluate(() => document.activeElement.getAttribute('role') || document.activeElement.className || document.activeElement.tagName));
		assert.notEqual(await page.evaluate(() => document.activeElement === document.body ? '3px' : getComputedStyle(document.activeElement).outlineWidth), '0px');
	}
	for (const what of ['tab', 'copy', 'A', 'SUMMARY']) assert.ok(reached.has(what), what + ' cannot be reached');
	await page.done();
});

both('tabs', async (base) => {
	const page = await open(base + 'rules/sigma/whoami.html');
	const tabs = page.getByRole('tab');
	assert.equal(await tabs.count(), 3);
	assert.equal(await page.getByRole('tabpanel').count(), 1); // the others are hidden
	const selected = () => page.locator('[role=tab][aria-selected=true]').textContent();
	assert.match(await selected(), /Splunk SPL/);
	await tabs.nth(0).focus();
	await page.keyboard.press('End');
	assert.match(await selected(), /Elastic EQL/);
	await page.keyboard.press('ArrowRight');
	assert.match(await selected(), /Splunk SPL/);
	await page.keyboard.press('ArrowLeft');
	assert.match(await selected(), /Elastic EQL/);
	assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-selected')), 'true');
	for (const verdict of await page.locator('.tablist .verdict').allTextContents()) assert.match(verdict, /^(proved|agreed|unsupported)$/);
	await shot(page, 'rule', true);
	await page.done();
});

both('copy', async (base) => {
	const page = await open(base + 'rules/sigma/whoami.html');
	const want = await page.locator('#query-splunk code').first().textContent();
	await page.locator('#query-splunk .copy').first().click();
	await page.waitForFunction(() => document.querySelector('#query-splunk .copy').textContent === 'Copied');
	assert.equal(await page.locator('#live').textContent().then((s) => s || page.waitForTimeout(200).then(() => page.locator('#live').textContent())), 'Copied');
	await page.fill('#q', '');
	await page.focus('#q');
	await page.keyboard.press('Control+V');
	assert.equal((await page.inputValue('#q')).replace(/\s+/g, ''), want.replace(/\s+/g, ''));
	await page.done();
});

both('copying what cannot be seen', async (base) => {
	const page = await open(base + 'rules/sigma/unseen.html');
	for (const name of ['splunk', 'kusto', 'elastic']) {
		await page.click('#tab-query-' + name);
		const panel = page.locator('#query-' + name);
		assert.match(await panel.locator('code').first().textContent(), /\\u\{a0\}/);
		assert.match(await panel.textContent(), /The button copies the query as it is/);
		await panel.locator('.copy').click();
		await page.waitForFunction((id) => document.querySelector(id + ' .copy').textContent === 'Copied', '#query-' + name);
		if (base === served) { // only there a page may read the clipboard
			assert.equal((await page.evaluate(() => navigator.clipboard.readText())).trim(), converted(name));
			continue;
		}
		await page.evaluate(() => { const area = document.createElement('textarea'); area.id = 'pasted'; document.body.append(area); area.focus(); });
		await page.keyboard.press('Control+V');
		const pasted = await page.inputValue('#pasted');
		await page.evaluate(() => document.getElementById('pasted').remove());
		// Some versions of Chromium paste a no-break space as a space; from the server nothing is replaced.
		const spaced = (text) => text.replaceAll('\u00a0', ' ');
		assert.equal(spaced(pasted.trim()), spaced(converted(name)));
	}
	await page.done();
});

both('the matrix', async (base) => {
	const page = await open(base + 'attack.html');
	assert.ok(await page.locator('.tactic').count() >= 14);
	await shot(page, 'matrix');
	const bare = page.locator('.bare').first();
	assert.ok(await bare.isVisible());
	await page.click('#only-covered');
	assert.ok(!await bare.isVisible());
	const cell = page.locator('.covered a', { hasText: 'System Owner/User Discovery' });
	assert.match(await cell.locator('xpath=..').textContent(), /4/);
	await cell.click();
	assert.match(await page.textContent('h1'), /^T1033/);
	assert.equal(await page.locator('.rules a').count(), 4);
	await page.done();
});

both('who else looks for it', async (base) => {
	const page = await open(base + 'rules/sigma/whoami.html');
	await page.locator('#indicators a', { hasText: '-all' }).click();
	assert.deepEqual((await page.locator('.rules a').allTextContents()).sort(), ['Who Am I', 'Whoami of Elastic', 'Whoami of Splunk', 'whoami']);
	await shot(page, 'indicator');
	await page.done();
});

both('light and dark', async (base) => {
	const paper = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	const page = await open(base + 'rules/sigma/whoami.html', { colorScheme: 'dark' });
	assert.equal(await paper(page), 'rgb(18, 22, 29)');
	await shot(page, 'dark', true);
	await page.click('#theme');
	assert.equal(await paper(page), 'rgb(255, 255, 255)');
	await page.goto(base + 'attack.html');
	assert.equal(await paper(page), 'rgb(255, 255, 255)'); // it is remembered
	await page.click('#theme');
	assert.equal(await paper(page), 'rgb(18, 22, 29)');
	await page.done();
});

// contrast is the least of all texts on the page (WCAG 2.1, 1.4.3).
const contrast = (page) => page.evaluate(() => {
	const parse = (c) => c.match(/[\d.]+/g).map(Number);
	const luminance = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const ground = (e) => {
		for (; e; e = e.parentElement) {
			const c = parse(getComputedStyle(e).backgroundColor);
			if (c.length < 4 || c[3] > 0) return c;
		}
		return [255, 255, 255];
	};
	let worst = [21, ''];
	for (const e of document.querySelectorAll('body *')) {
		if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length) continue;
		const a = luminance(parse(getComputedStyle(e).color)), b = luminance(ground(e));
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < worst[0]) worst = [ratio, e.outerHTML.slice(0, 120)];
	}
	return worst;
});
test('every text can be read', async () => {
	for (const colorScheme of ['light', 'dark']) {
		for (const name of ['index.html', 'rules/sigma/whoami.html', 'rules/sigma/wrong.html', 'attack.html', 'findings.html']) {
			const page = await open(disk + name, { colorScheme });
			const [ratio, where] = await contrast(page);
			assert.ok(ratio >= 4.5, `${colorScheme} ${name}: ${ratio.toFixed(2)} at ${where}`);
			await page.done();
		}
	}
});

test('headings, landmarks and names', async () => {
	for (const name of ['index.html', 'rules/sigma/whoami.html', 'attack.html', 'findings.html', 'fields.html', 'catalogs/sigma.html']) {
		const page = await open(disk + name);
		const levels = await page.evaluate(() => [...document.querySelectorAll('h1,h2,h3,h4')].filter((h) => h.getClientRects().length).map((h) => Number(h.tagName[1])));
		assert.equal(levels[0], 1, name);
		assert.equal(levels.filter((l) => l === 1).length, 1, name);
		for (const role of ['banner', 'main', 'search', 'contentinfo']) assert.equal(await page.getByRole(role).count(), 1, `${name}: ${role}`);
		const nameless = await page.evaluate(() => [...document.querySelectorAll('a, button, input, select')].filter((e) => !e.hidden && !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length)).map((e) => e.outerHTML));
		assert.deepEqual(nameless, [], name);
		assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
		await page.done();
	}
});

// Bodies stand in full height, and what is one word stands in one line, at any width.
test('bodies, ids and dates', async () => {
	for (const colorScheme of ['light', 'dark']) for (const width of [390, 820, 1440]) {
		for (const name of ['sigma/whoami', 'sigma/unseen', 'splunk/a', 'elastic/b', 'kusto/whoami']) {
			const page = await open(disk + `rules/${name}.html`, { colorScheme, viewport: { width, height: 900 } });
			assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than ${width}`);
			const scrolled = await page.evaluate(() => [...document.querySelectorAll('pre')].filter((e) => e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent.slice(0, 60)));
			assert.deepEqual(scrolled, [], `${name} at ${width}`);
			const broken = await page.evaluate(() => [...document.querySelectorAll('.whole')].filter((e) => {
				const range = document.createRange();
				range.selectNodeContents(e);
				return new Set([...range.getClientRects()].map((r) => Math.round(r.bottom / 8))).size > 1;
			}).map((e) => e.textContent));
			assert.deepEqual(broken, [], `${name} at ${width}`);
			assert.ok(await page.locator('#body .k, #body .n').count() > 0, name + ' has no colours');
			const [ratio, where] = await contrast(page);
			assert.ok(ratio >= 4.5, `${colorScheme} ${name}: ${ratio.toFixed(2)} at ${where}`);
			const covered = await page.evaluate(() => [...document.querySelectorAll('.copy')].filter((button) => {
				const box = button.getBoundingClientRect(), range = document.createRange();
				range.selectNodeContents(button.parentElement.querySelector('code'));
				return box.width && [...range.getClientRects()].some((r) => r.right > box.left + 1 && r.left < box.right - 1 && r.bottom > box.top + 1 && r.top < box.bottom - 1);
			}).length);
			assert.equal(covered, 0, `${name} at ${width}: the button covers text`);
			if (shots) await shot(page, `${name.replace('/', '-')}-${width}-${colorScheme}`, true);
			await page.done();
		}
	}
});

both('the source of a rule', async (base) => {
	const page = await open(base + 'rules/sigma/two-' + (await hashed(base, 'two')) + '.html');
	const link = page.locator('.facts a[rel~=external]');
	assert.match(await link.getAttribute('href'), /^https:\/\/example\.org\/rules\/.*two\.yml#L\d+$/);
	assert.equal(await link.textContent(), 'two.yml');
	await page.done();
});
// hashed is what stands behind a name that several pages have.
async function hashed(base, name) {
	const page = await open(base + 'catalogs/sigma.html');
	const href = await page.locator(`a[href*="/${name}-"]`).first().getAttribute('href');
	await page.context().close();
	return href.match(/-([0-9a-f]+)\.html$/)[1];
}

both('the same in the words of others', async (base) => {
	const page = await open(base + 'rules/splunk/a.html');
	const row = page.locator('#indicators tr', { hasText: 'process_name' });
	assert.match(await row.textContent(), /filename\(Image\).*whoami\.exe/si);
	await row.locator('li a').click();
	assert.equal(await page.textContent('h1'), 'filename(Image) eq whoami.exe');
	const written = await page.locator('#written td code').allTextContents();
	for (const text of ['Image ends_with \\whoami.exe', 'process.name eq whoami.exe']) assert.ok(written.includes(text), `${text} among ${written}`);
	await page.done();
});

both('a rule with hostile text', async (base) => {
	const page = await open(base + 'catalogs/sigma.html');
	const links = await page.locator('.rules a').evaluateAll((as) => as.filter((a) => a.textContent.includes('<script>')).map((a) => a.href));
	assert.ok(links.length > 0);
	for (const link of links) {
		await page.goto(link);
		await page.waitForTimeout(100);
		assert.ok((await page.textContent('h1')).includes('<script>'));
		assert.equal(await page.locator('main script, main img, main style, main b, main i').count(), 0);
		assert.ok(await page.locator('footer').isVisible());
		assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
		for (const href of await page.locator('main a').evaluateAll((as) => as.map((a) => a.getAttribute('href')))) assert.doesNotMatch(href, /^(javascript|data):/i);
	}
	await shot(page, 'hostile', true);
	await page.goto(base + 'index.html');
	await page.fill('#q', '<script>');
	await page.waitForSelector('#hits a');
	assert.ok((await page.textContent('#hits')).includes('<script>'));
	assert.equal(await page.locator('#hits script, #hits img').count(), 0);
	await page.done();
});

test('narrow, printed, and without JavaScript', async () => {
	for (const name of ['index.html', 'rules/sigma/whoami.html', 'attack.html', 'findings.html', 'fields.html']) {
		const page = await open(disk + name, { viewport: { width: 360, height: 740 } });
		assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), name + ' is wider than the window');
		if (name.includes('whoami')) await shot(page, 'narrow', true);
		await page.done();
	}
	const printed = await open(disk + 'rules/sigma/whoami.html');
	await printed.emulateMedia({ media: 'print' });
	for (const id of ['query-splunk', 'query-kusto', 'query-elastic']) assert.ok(await printed.locator('#' + id).isVisible(), id);
	assert.ok(!await printed.locator('.top').isVisible());
	await printed.done();
	const plain = await open(disk + 'rules/sigma/whoami.html', { javaScriptEnabled: false });
	assert.equal(await plain.locator('.tab').filter({ visible: true }).count(), 3);
	assert.equal(await plain.locator('.copy').filter({ visible: true }).count(), 0);
	await plain.context().close();
});

test('the server', async () => {
	assert.equal((await fetch(served + 'none.html')).status, 404);
	assert.equal((await fetch(served, { method: 'POST' })).status, 405);
});

// A large site, if there is one: a search answers within two frames.
test('searches of many rules', { skip: process.env.SIGMAC_LARGE_SITE ? false : 'no corpus of public rules' }, async () => {
	const page = await open(pathToFileURL(path.resolve(process.env.SIGMAC_LARGE_SITE)).href + '/index.html');
	page.faults.length = 0;
	const times = {};
	for (const query of ['powershell', 'windows', 'technique:t1059 value:powershell level:high', '"net user"', 'field:commandline', 'e']) {
		const each = [];
		for (let i = 0; i < 5; i++) {
			await page.fill('#q', '');
			await page.evaluate(() => delete document.documentElement.dataset.searchMs);
			await page.fill('#q', query);
			await page.waitForFunction(() => document.documentElement.dataset.searchMs);
			each.push(Number(await page.evaluate(() => document.documentElement.dataset.searchMs)));
		}
		times[query] = each.sort((a, b) => a - b)[2];
	}
	console.log('milliseconds of a search, the median of five:', times);
	await shot(page, 'large');
	await page.context().close();
});
