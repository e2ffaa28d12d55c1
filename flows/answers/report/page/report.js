// sorts a table by the column whose heading is pressed
const key = (row, column) => {
  const cell = row.cells[column];
  return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
};
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const heading = button.parentNode, body = heading.closest("table").tBodies[0];
    const way = heading.ariaSort === "ascending" ? -1 : 1;
    for (const other of heading.parentNode.cells) if (other.ariaSort) other.ariaSort = "none";
    heading.ariaSort = way > 0 ? "ascending" : "descending";
    const rows = [...body.rows].map((row) => [key(row, heading.cellIndex), row]);
    rows.sort(([a], [b]) => way * (a > b ? 1 : a < b ? -1 : 0));
    for (const [, row] of rows) body.append(row);
  });
}
// shows what a mark of a chart is
const tip = document.getElementById("tip");
document.addEventListener("pointerover", (event) => {
  const mark = event.target.closest && event.target.closest("figure svg [role='graphics-symbol'][aria-label]");
  tip.hidden = !mark;
  if (mark) {
    tip.textContent = mark.getAttribute("aria-label");
    tip.style.left = Math.max(0, Math.min(event.pageX + 12, document.documentElement.clientWidth - 240)) + "px";
    tip.style.top = event.pageY + 14 + "px";
  }
});
// opens the numbers of charts on paper
const closed = document.querySelectorAll("details.numbers:not([open])");
for (const [event, open] of [["beforeprint", true], ["afterprint", false]]) {
  window.addEventListener(event, () => { for (const each of closed) each.open = open; });
}
