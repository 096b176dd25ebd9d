class El extends HTMLElement { show() {} select() {} close() { return false; } openCitation() {} openAddress() {} }
customElements.define("wj-evals", El);
