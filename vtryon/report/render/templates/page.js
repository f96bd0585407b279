// The name of a chart's mark is shown under the chart when it is focused or pointed at.
for (const kind of ["focusin", "mouseover"]) document.addEventListener(kind, event => {
  const mark = event.target.closest("[data-name]");
  if (mark) mark.closest("figure").querySelector("output").textContent = mark.dataset.name;
});
// Columns of a table of runs are shown and hidden by checkboxes.
for (const box of document.querySelectorAll(".columns input")) box.addEventListener("change", () => {
  const cells = document.querySelectorAll(`#${box.dataset.table} tr > :nth-child(${box.dataset.column})`);
  for (const cell of cells) cell.classList.toggle("extra", !box.checked);
});
