// Before the first paint: the theme that was chosen here, or what the machine says.
"use strict";
(() => {
  const chosen = localStorage.getItem("assay-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
