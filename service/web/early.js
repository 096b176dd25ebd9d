// Before the first paint: theme and language from this device, so that neither flashes.
(function () {
  var root = document.documentElement;
  root.classList.add("js");
  try {
    var saved = JSON.parse(localStorage.getItem("wenju.settings") || "{}");
    if (saved.theme === "light" || saved.theme === "dark") root.dataset.theme = saved.theme;
    if (saved.language === "zh-Hant" || saved.language === "zh-Hans" || saved.language === "en") root.lang = saved.language;
  } catch (error) {
    // No storage: the defaults in the page hold.
  }
})();
