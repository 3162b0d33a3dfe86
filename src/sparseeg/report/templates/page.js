// A picture stands in the page once; its link saves that one.
for (const link of document.querySelectorAll("a.save")) {
  link.href = link.closest("figure").querySelector("img").src;
}
for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("th").forEach((head, column) => {
    head.tabIndex = 0;
    const sort = () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = row => row.cells[column].textContent.trim();
      const number = row => { const found = parseFloat(key(row)); return isNaN(found) ? Infinity : found };
      const rows = [...table.tBodies[0].rows];
      const words = rows.every(row => number(row) === Infinity);
      rows.sort((one, other) => words ? key(one).localeCompare(key(other)) : number(one) - number(other));
      if (down) rows.reverse();
      table.tBodies[0].append(...rows);
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", event => { if (event.key === "Enter") sort(); });
  });
}
