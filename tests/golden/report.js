
"use strict";
(() => {
const STEP = 50, SVG = "http://www.w3.org/2000/svg", GLYPHS = {"error": "\u2298", "fail": "\u2715", "inconclusive": "?", "warn": "!", "pass": "\u2713"}, ORDER = Object.keys(GLYPHS);
function element(name, properties, ...children) {
  const node = document.createElement(name);
  Object.assign(node, properties);
  node.append(...children);
  return node;
}
function drawing(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
function plot([, outcome, estimate, low, high, floor, ceiling]) {
  const parts = [], limits = [floor, ceiling].filter((limit) => limit !== null), left = floor ?? 0;
  if (limits.length)
    parts.push(drawing("rect", {class: "room", x: left, y: 1, width: (ceiling ?? 150) - left, height: 16}));
  parts.push(drawing("line", {class: "axis", x1: 75, y1: 1, x2: 75, y2: 17}));
  for (const x of limits) parts.push(drawing("line", {class: "limit", x1: x, y1: 1, x2: x, y2: 17}));
  parts.push(drawing("line", {class: "span", x1: low, y1: 9, x2: high, y2: 9}));
  parts.push(drawing("circle", {class: "dot", cx: estimate, cy: 9, r: 4}));
  const box = {viewBox: "0 0 150 18", width: 150, height: 18};
  return drawing("svg", {class: ORDER[outcome], ...box, "aria-hidden": "true"}, ...parts);
}
function pieceNode(piece) {
  if (typeof piece === "string") return document.createTextNode(piece);
  const [kind, text] = piece;
  if (kind === "b") return element("strong", {}, text);
  if (kind === "t") return element("bdi", {}, text);
  if (kind === "c") return element("code", {}, element("bdi", {}, text));
  if (kind === "p") return plot(piece);
  if (kind === "m") {
    const glyph = element("span", {}, GLYPHS[text]);
    glyph.setAttribute("aria-hidden", "true");
    return element("span", {className: "badge " + text}, glyph, " " + text);
  }
  const label = piece[3] ? element("code", {}, element("bdi", {}, text)) : element("bdi", {}, text);
  return piece[2] ? element("a", {href: piece[2], rel: "noopener noreferrer"}, label) : label;
}
const pieces = (cell) => (typeof cell === "string" ? [cell] : cell);
const pieceText = (piece) => (typeof piece === "string" ? piece : piece[0] === "p" ? "" : piece[1]);
const cellText = (cell) => pieces(cell).map(pieceText).join("");
function sortKey(cell) {
  const first = pieces(cell)[0];
  if (first && first[0] === "m" && typeof first !== "string") return ORDER.indexOf(first[1]);
  const text = cellText(cell);
  const match = /^[^0-9\u2212+-]{0,2}([\u2212+-]?[0-9][0-9,]*(?:\.[0-9]+)?(?:e[\u2212+-]?[0-9]+)?)/.exec(text);
  return match ? Number(match[1].replaceAll(",", "").replaceAll("\u2212", "-")) : text;
}
function compare(first, second) {
  if (typeof first === typeof second) return first < second ? -1 : first > second ? 1 : 0;
  return typeof first === "number" ? -1 : 1;
}
function start(list) {
  const table = list.querySelector("table"), body = table.tBodies[0], tools = list.querySelector(".tools");
  const search = tools.querySelector("input"), select = tools.querySelector("select");
  const status = tools.querySelector("output"), more = list.querySelector("button.more");
  const titles = [...table.tHead.rows[0].cells], hasSentence = list.hasAttribute("data-sentence");
  let data = null, rows = [], matching = [], shown = STEP, column = -1, descending = false;
  const isSentence = (piece) => Array.isArray(piece) && typeof piece[0] === "number";
  function sentence([index, numbers]) {
    const values = numbers.split("|");
    return ["t", data.sentences[index].replaceAll("|", () => values.shift())];
  }
  function parse() {
    data = JSON.parse(list.querySelector("script").textContent);
    const whole = (piece) => (isSentence(piece) ? sentence(piece) : piece);
    const read = (cell) => typeof cell === "number" ? data.cells[cell]
      : isSentence(cell) ? [sentence(cell)] : pieces(cell).map(whole);
    rows = data.rows.map((row, index) => ({index, text: "", cells: row.map(read)}));
    matching = rows;
  }
  const textOf = (row) => (row.text ||= row.cells.map(cellText).join("\n").toLowerCase());
  function prepare(deadline) {  // while the browser is idle, so that the first search finds the texts ready
    if (!data) parse();
    let next = prepare.next || 0;
    for (; next < rows.length && deadline.timeRemaining() > 2; next++) textOf(rows[next]);
    prepare.next = next;
    if (next < rows.length) requestIdleCallback(prepare);
  }
  function rowNodes(row) {
    const cells = hasSentence ? row.cells.slice(0, -1) : row.cells;
    const content = (cell, properties) => element("td", properties, ...pieces(cell).map(pieceNode));
    const nodes = [element("tr", {}, ...cells.map((cell, i) => content(cell, {className: titles[i].className})))];
    const reason = hasSentence ? row.cells.at(-1) : [];
    if (!["", "\u2013"].includes(cellText(reason))) {
      const text = element("div", {}, ...pieces(reason).map(pieceNode));
      nodes.push(element("tr", {className: "sentence"}, element("td", {colSpan: titles.length}, text)));
    }
    return nodes;
  }
  function draw() {
    body.replaceChildren(...matching.slice(0, shown).flatMap(rowNodes));
    const some = Math.min(shown, matching.length);
    const [drawn, found, all] = [some, matching.length, rows.length].map((n) => n.toLocaleString("en"));
    status.value = drawn + " of " + found + " matching rows shown, " + all + " in all";
    more.hidden = some >= matching.length;
  }
  function update() {
    if (!data) parse();
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean), outcome = select ? select.value : "";
    matching = rows.filter((row) => (!outcome || (Array.isArray(row.cells[0]) && row.cells[0][0][1] === outcome))
      && words.every((word) => textOf(row).includes(word)));
    if (column >= 0) {
      const sign = descending ? -1 : 1;
      for (const row of matching) row.key = sortKey(row.cells[column]);
      matching.sort((a, b) => sign * compare(a.key, b.key) || a.index - b.index);
    }
    shown = STEP;
    draw();
  }
  titles.forEach((title, index) => {
    const button = element("button", {type: "button", className: "sort"}, ...title.childNodes);
    title.replaceChildren(button);
    button.addEventListener("click", () => {
      descending = column === index && !descending;
      column = index;
      for (const other of titles) other.removeAttribute("aria-sort");
      title.setAttribute("aria-sort", descending ? "descending" : "ascending");
      update();
    });
  });
  search.addEventListener("input", update);
  if (select) select.addEventListener("change", update);
  more.addEventListener("click", () => {
    if (!data) parse();
    shown += STEP;
    draw();
  });
  addEventListener("beforeprint", () => { if (data) { shown = Math.max(shown, 1000); draw(); } });
  tools.hidden = false;
  more.hidden = Number(list.dataset.rows) <= STEP;
  if (window.requestIdleCallback) requestIdleCallback(prepare);
}
for (const list of document.querySelectorAll(".list")) start(list);
})();
