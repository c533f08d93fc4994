/* What every page of the book does: breaks long formulas, and shows figures at full size. */
(() => {
  "use strict";

  // Formulas. MathJax breaks none that stands in a line: break after relations, operations and commas.

  function flat(math) { // the elements of the outermost row, and what lies round them
    let row = [...math.children];
    const around = [];
    while (row.length === 1 && ["MJX-MROW", "MJX-TEXATOM", "MJX-MSTYLE"].includes(row[0].tagName)) {
      around.push(row[0]);
      row = [...row[0].children];
    }
    return { row, around };
  }

  function places(formula) { // in a long one, outside its brackets, and nowhere so that a scrap stands alone
    const math = formula.querySelector("mjx-math"), { row, around } = flat(math);
    const em = parseFloat(getComputedStyle(formula).fontSize), { left, right } = math.getBoundingClientRect();
    if (right - left < 9 * em) return [];
    const number = (e) => e?.tagName === "MJX-MN" || e?.firstElementChild?.tagName === "MJX-MN";
    const has = (e, ...codes) => e.tagName === "MJX-MO" && codes.some((code) => e.querySelector(`.mjx-c${code}`));
    const bare = (e) => ["MJX-MSUP", "MJX-MSUB", "MJX-MSUBSUP"].includes(e.tagName) || (e.tagName === "MJX-TEXATOM" && e.children.length === 1)
      ? bare(e.firstElementChild) : e;
    let depth = 0; // a bracket may carry an exponent
    const inside = row.map((e) => (depth += has(bare(e), "28", "5B", "7B") - has(bare(e), "29", "5D", "7D")) > 0);
    const signs = row.map((_, i) => i).filter((i) => row[i].tagName === "MJX-MO" && row[i + 1]?.hasAttribute("space") &&
      !has(row[i], "2061") && !has(row[i + 1], "2C", "3B") && !(has(row[i], "22C5") && number(row[i - 1]) && number(row[i + 1]))); // 3·10⁻⁴ is one number
    const scrap = (i) => { const end = row[i].getBoundingClientRect().right; return end - left < 2.5 * em || right - end < 2.5 * em; };
    const outside = signs.filter((i) => !inside[i] && !scrap(i));
    return (outside.length ? outside : signs).map((i) => {
      const { marginLeft, fontSize } = getComputedStyle(row[i + 1]);
      return { sign: row[i], next: row[i + 1], space: parseFloat(marginLeft) / parseFloat(fontSize), formula, around };
    });
  }

  function breakAt({ sign, next, space, formula, around }) { // the space stays with the sign: a new line begins at its edge
    formula.classList.add("breaks");
    around.forEach((e) => e.classList.add("outer"));
    sign.style.marginRight = `${space}em`;
    next.style.marginLeft = 0;
    sign.after(document.createElement("wbr"));
  }

  function keep(formula) { // with the stop that follows and the bracket before: no line begins or ends with these
    const text = (node) => (node?.nodeType === Node.TEXT_NODE ? node.data : "");
    const together = [formula], next = formula.nextSibling, before = formula.previousSibling;
    if (/^[.,;:!?)‑-]/.test(text(next))) {
      next.splitText(1);
      together.push(next);
    }
    if (/[(]$/.test(text(before))) together.unshift(before.splitText(before.length - 1));
    if (together.length < 2) return;
    const kept = document.createElement("span");
    kept.className = "kept";
    formula.before(kept);
    kept.append(...together);
  }

  const room = (formula) => { // the right edge of the block that a formula stands in
    const block = formula.closest("p, li, dd, dt, td, th, h1, h2, h3, h4, figcaption, .cell_output, div");
    const style = getComputedStyle(block);
    return block.getBoundingClientRect().right - parseFloat(style.paddingRight);
  };

  // What scrolls sideways takes the focus, and fades where it goes on.

  const SCROLLING = ".bd-article :is(pre, mjx-container, .output, .pst-scrollable-table-container)";
  const fade = (box) => box.classList.toggle("more", box.scrollLeft + box.clientWidth < box.scrollWidth - 1);

  function scrolling() {
    for (const box of document.querySelectorAll(SCROLLING)) {
      const scrolls = box.scrollWidth > box.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
      box.classList.remove("more");
      if (!scrolls) continue;
      box.setAttribute("tabindex", "0");
      fade(box);
    }
  }

  function fit() {
    if (matchMedia("print").matches) return; // nothing scrolls on paper
    for (const table of document.querySelectorAll(".bd-article table.dataframe")) { // a wide one breaks its heads, then its cells
      const box = table.closest(".cell_output");
      table.classList.remove("heads-break", "cells-break");
      for (const step of ["heads-break", "cells-break"])
        if (table.offsetWidth > box.clientWidth + 1) table.classList.add(step);
    }
    for (const box of document.querySelectorAll(".picture"))
      box.classList.toggle("beyond", box.scrollWidth > box.clientWidth + 1);
    for (const formula of document.querySelectorAll(".bd-article mjx-container")) {
      if (formula.hasAttribute("display")) {
        const wide = formula.scrollWidth > formula.clientWidth + 1;
        wide ? formula.setAttribute("tabindex", "0") : formula.removeAttribute("tabindex");
        continue;
      }
      const pieces = formula.classList.contains("breaks") ? formula.querySelectorAll("mjx-math > *, .outer > *") : [formula];
      formula.classList.remove("scrolls");
      const edge = room(formula) + 1;
      if ([...pieces].some((piece) => piece.tagName !== "WBR" && piece.getBoundingClientRect().right > edge)) {
        formula.classList.add("scrolls");
        formula.setAttribute("tabindex", "0");
      }
    }
    scrolling();
  }

  function prepare() { // those that are seen and were not before; all are measured before one is changed
    const seen = [...document.querySelectorAll(".bd-article mjx-container:not([display], .seen)")].filter((e) => e.checkVisibility());
    seen.flatMap(places).forEach(breakAt);
    seen.forEach((e) => e.classList.add("seen"));
  }

  async function mathematics() {
    await window.MathJax?.startup?.promise;
    document.querySelectorAll(".bd-article span.math").forEach(keep);
    prepare();
    fit();
    document.documentElement.dataset.formulas = "fit";
    let width = innerWidth;
    addEventListener("resize", () => {
      if (innerWidth !== width) fit();
      width = innerWidth;
    });
    document.querySelectorAll(".bd-article details").forEach((box) => box.addEventListener("toggle", () => { prepare(); fit(); }));
    document.addEventListener("scroll", ({ target }) => { if (target.matches?.(SCROLLING)) fade(target); }, { capture: true, passive: true });
  }

  // Figures at full size.

  const viewer = document.createElement("dialog");
  viewer.className = "viewer";
  viewer.setAttribute("aria-label", "Figure at full size");
  viewer.innerHTML = '<header><button type="button" class="smaller" aria-label="Smaller">−</button>' +
    '<button type="button" class="larger" aria-label="Larger">+</button>' +
    '<button type="button" class="close" aria-label="Close">✕</button></header>' +
    '<div class="whole" tabindex="0" role="group" aria-label="Figure; arrow keys move it"></div><p></p>';
  let scale = 1, opener = null;

  function size(step = 1) {
    const picture = viewer.querySelector("img");
    const [width, height] = ["width", "height"].map((side) => Number(picture.getAttribute(side)));
    const whole = viewer.querySelector(".whole");
    if (step === 1) scale = Math.max(1, Math.min(whole.clientWidth / width, whole.clientHeight / height));
    scale = Math.min(6, Math.max(0.5, scale * step));
    picture.style.width = `${width * scale}px`;
  }

  function show(link) {
    const picture = link.querySelector("img").cloneNode();
    opener = link;
    picture.removeAttribute("style");
    picture.loading = "eager";
    viewer.querySelector(".whole").replaceChildren(picture);
    const caption = link.closest("figure")?.querySelector("figcaption .caption-text");
    viewer.querySelector("p").replaceChildren(...(caption?.cloneNode(true).childNodes ?? []));
    viewer.showModal();
    size();
    viewer.querySelector(".whole").focus();
  }

  function figures() {
    document.body.append(viewer);
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("a.enlarge");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      show(link);
    });
    viewer.addEventListener("click", (event) => {
      if (event.target.closest(".close") || event.target.matches(".whole")) viewer.close();
      else if (event.target.closest(".larger")) size(1.25);
      else if (event.target.closest(".smaller")) size(0.8);
    });
    viewer.addEventListener("close", () => opener?.focus()); // a browser may not give a link that was clicked the focus back
    document.addEventListener("keydown", (event) => { // wherever the focus is
      if (!viewer.open) return;
      if (event.key === "Escape") {
        event.stopPropagation(); // Sphinx's scripts would forbid the dialog to close
        viewer.close();
      }
      if (event.key === "+" || event.key === "=") size(1.25);
      if (event.key === "-") size(0.8);
    }, true);
  }

  // Tables of checked numbers: rows that stack on a phone, and a filter where there are many.

  function tables() {
    for (const place of document.querySelectorAll(".ledger, .stacks code, .genindextable a, .bd-article :is(figcaption, h3), .sig-prename")) { // a long name breaks after a dot or an underscore
      const texts = document.createTreeWalker(place, NodeFilter.SHOW_TEXT), found = [];
      while (texts.nextNode()) found.push(texts.currentNode);
      for (const text of found) {
        if (text.parentElement.closest(".download")) continue; // a file's name stays whole
        const parts = text.data.length < 20 && !place.matches(".ledger") ? [] : text.data.split(/(?<=[a-z][^\W_]{2}[._])(?=[a-z]{2})|(?<=[*/])(?=\w)/i);
        if (parts.length > 1) text.replaceWith(...parts.flatMap((part) => [document.createElement("wbr"), part]).slice(1));
      }
    }
    for (const code of document.querySelectorAll(".bd-article :is(p, li) code.literal")) // a short one stays whole
      code.classList.toggle("kept", code.textContent.length < 25);
    document.querySelectorAll(".sig-prename").forEach((name) => name.append(document.createElement("wbr")));
    for (const table of document.querySelectorAll("table.dataframe")) { // numbers stand at the right, and so does the head of a column of them
      const heads = [...(table.tHead?.rows ?? [])].at(-1)?.cells ?? [], rows = [...table.querySelectorAll("tbody tr")];
      const number = (cell) => /^([-−+]?[\d.,]+(e[-+]?\d+)?(\s?[%°])?|–)?$/.test(cell?.textContent.trim());
      for (const cell of table.querySelectorAll("td")) cell.classList.toggle("number", number(cell) && cell.textContent.trim() !== "");
      [...heads].forEach((head, i) => head.classList.toggle("number", rows.length > 0 && rows.every((row) => { // where a head goes on over several rows, the later ones have fewer cells
        const cell = row.cells[i - heads.length + row.cells.length];
        return cell?.matches("td") && number(cell);
      })));
    }
    for (const table of document.querySelectorAll(":is(.ledger, .stacks) table")) {
      const heads = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
      table.setAttribute("role", "table"); // stacked rows would lose it
      table.querySelectorAll("tr").forEach((row) => row.setAttribute("role", "row"));
      for (const row of table.querySelectorAll("tbody tr")) [...row.cells].forEach((cell, i) => {
        cell.dataset.label = heads[i] ?? "";
        cell.classList.toggle("list", cell.textContent.includes("[")); // which takes a line of its own on a phone
        cell.setAttribute("role", "cell");
      });
      table.querySelectorAll("thead th").forEach((cell) => cell.setAttribute("role", "columnheader"));
    }
  }

  function sift() {
    const tables = [...document.querySelectorAll(".ledger.wide table")].filter((t) =>
      [...t.querySelectorAll("thead th")].some((cell) => cell.textContent.trim() === "source"));
    if (tables.length < 2) return;
    const sections = tables.map((table) => table.closest("section"));
    const kinds = [...document.querySelectorAll(".stacks td[data-label='kind of source']")].map((cell) => cell.textContent.trim());
    const rows = tables.flatMap((table, i) => [...table.querySelectorAll("tbody tr")].map((row) => {
      const cell = (label) => row.querySelector(`td[data-label="${label}"]`)?.textContent.trim() ?? "";
      return { row, section: sections[i], chapter: sections[i].querySelector("h2").firstElementChild?.textContent ?? "",
        status: cell("status"), source: kinds.find((kind) => cell("source").startsWith(kind)) ?? "",
        tolerance: cell("deviation").replace(/^.*× /, ""), text: row.textContent.toLowerCase() };
    }));
    const form = document.createElement("form");
    form.className = "sift";
    form.setAttribute("aria-label", "Filter the numbers");
    const choices = [["chapter", "chapter"], ["status", "status"], ["source", "kind of source"], ["tolerance", "tolerance"]]
      .map(([name, label]) => [name, label, [...new Set(rows.map((r) => r[name]))].filter(Boolean)])
      .filter(([, , values]) => values.length > 1);
    form.innerHTML = choices.map(([name, label, values]) => `<label>${label}<select name="${name}"><option value="">all</option>${values
      .map((value) => `<option>${value}</option>`).join("")}</select></label>`).join("") +
      '<label>name or source<input name="text" type="search"></label><span role="status"></span>';
    const show = () => {
      const wanted = Object.fromEntries(new FormData(form));
      let count = 0;
      for (const r of rows) {
        const fits = choices.every(([name]) => !wanted[name] || r[name] === wanted[name]) &&
          r.text.includes(wanted.text.toLowerCase());
        r.row.hidden = !fits;
        count += fits;
      }
      for (const section of sections) section.hidden = !rows.some((r) => r.section === section && !r.row.hidden);
      form.querySelector("[role=status]").textContent = `${count} of ${rows.length} numbers`;
    };
    form.addEventListener("input", show);
    form.addEventListener("submit", (event) => event.preventDefault());
    const sifted = document.createElement("div"); // the form stays in sight over what it filters, and over nothing else
    sections[0].before(sifted);
    sifted.append(form, ...sections);
    show();
  }

  // Results of the search show text: a formula's source is none.

  function search() {
    if (typeof Search === "undefined" || !Search.htmlToText) return;
    const given = Search.htmlToText;
    Search.htmlToText = (html, anchor) => {
      const article = html.match(/<article class="bd-article">[^]*<\/article>/)?.[0] ?? html; // without the buttons over it
      return given(`<div role="main">${article.replace(/<(span|div) class="math[^>]*>[^]*?<\/\1>/g, " … ")}</div>`, anchor);
    };
  }

  // Paper is white: what is printed in the dark takes the colours of the light.

  function paper() {
    const root = document.documentElement;
    let before = null;
    addEventListener("beforeprint", () => {
      before = root.dataset.theme;
      root.dataset.theme = "light";
    });
    addEventListener("afterprint", () => { if (before) root.dataset.theme = before; });
  }

  // The side bar comes back where it was left: the page that is open stands in sight in it.

  function here() {
    const bar = document.querySelector(".bd-sidebar-primary"), entry = bar?.querySelector("li.current.active > a");
    if (!entry) return;
    const { top, bottom } = entry.getBoundingClientRect(), seen = bar.getBoundingClientRect();
    if (top < seen.top || bottom > seen.bottom) bar.scrollTop += top - seen.top - seen.height / 3;
  }

  const start = () => {
    paper();
    search();
    tables();
    sift();
    figures();
    mathematics();
    addEventListener("load", here); // after the theme has put it back
  };
  document.readyState === "loading" ? addEventListener("DOMContentLoaded", start) : start();
})();
