require("./prepare.js").prepare({ slimSdk: true });
