"use strict";
// Sorts the trials by the column whose heading is pressed; without scripting the table just stays as it is.
for (const heading of document.querySelectorAll("th[data-sort] button")) {
  heading.addEventListener("click", () => {
    const cell = heading.parentElement;
    const body = cell.closest("table").tBodies[0];
    const down = cell.getAttribute("aria-sort") !== "descending";
    const column = cell.cellIndex;
    const numeric = cell.dataset.sort === "number";
    const key = (row) => {
      const text = row.cells[column].dataset.key;
      return numeric ? (text === "" ? -Infinity : Number(text)) : text;
    };
    const rows = Array.from(body.rows).sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
    if (down) rows.reverse();
    for (const other of cell.parentElement.cells) other.removeAttribute("aria-sort");
    cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...rows);
  });
}
